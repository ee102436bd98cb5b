//! What pictures and recordings become, and what is none.

use ::image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;
use std::io::Cursor;

use super::*;
use crate::config::Uploads;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Four pixels wide, two high, red on the left.
fn picture() -> DynamicImage {
    let paint = |x, _| if x < 2 { Rgb([250, 10, 10]) } else { Rgb([10, 10, 250]) };
    RgbImage::from_fn(4, 2, paint).into()
}

fn examined(bytes: Vec<u8>) -> std::result::Result<Clean, Flaw> {
    examine(bytes, &Uploads::default())
}

#[test]
fn the_format_follows_from_the_picture() {
    for (format, extension) in
        [(ImageFormat::Png, "png"), (ImageFormat::Jpeg, "jpg"), (ImageFormat::WebP, "jpg"), (ImageFormat::Gif, "png")]
    {
        let clean = examined(encoded(&picture(), format)).unwrap();
        assert_eq!((clean.extension, clean.kind), (extension, Kind::Image), "{format:?}");
        let back = ::image::load_from_memory(&clean.bytes).unwrap();
        assert_eq!((back.width(), back.height()), (4, 2));
        assert_eq!(examined(clean.bytes.clone()).unwrap().extension, extension, "what is stored can be uploaded again");
    }
    let clear: DynamicImage = RgbaImage::from_pixel(3, 3, Rgba([1, 2, 3, 100])).into();
    assert_eq!(examined(encoded(&clear, ImageFormat::WebP)).unwrap().extension, "png");
}

/// A JPEG with an EXIF block that says it lies on its side and where it was taken.
fn with_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    tiff.extend_from_slice(b"GPS 38.7223N 9.1393W");
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend_from_slice(&tiff);
    let length = u16::try_from(exif.len() + 2).unwrap();
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend_from_slice(&[0xff, 0xe1]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&exif);
    bytes.extend_from_slice(&jpeg[2..]);
    bytes
}

#[test]
fn a_photo_stands_upright_and_says_nothing_of_where_it_was_taken() {
    let mut photo = with_exif(&encoded(&picture(), ImageFormat::Jpeg));
    photo.extend_from_slice(b"<script>alert(1)</script>PK\x03\x04");
    let clean = examined(photo).unwrap();
    let back = ::image::load_from_memory(&clean.bytes).unwrap();
    assert_eq!((back.width(), back.height()), (2, 4), "turned by its orientation");
    for part in [&b"GPS"[..], b"Exif", b"script", b"PK\x03\x04"] {
        assert!(!clean.bytes.windows(part.len()).any(|w| w == part), "{part:?} survived");
    }
}

#[test]
fn the_bounds_hold_before_anything_is_decoded() {
    let small = Uploads { image_max_side: 3, ..Uploads::default() };
    assert_eq!(examine(encoded(&picture(), ImageFormat::Png), &small).unwrap_err(), Flaw::TooLarge);
    let few = Uploads { image_max_pixels: 7, ..Uploads::default() };
    assert_eq!(examine(encoded(&picture(), ImageFormat::Jpeg), &few).unwrap_err(), Flaw::TooLarge);
    // A header that promises 60,000 × 60,000 pixels, and none of them.
    let mut bomb = encoded(&picture(), ImageFormat::Png);
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    assert!(matches!(examined(bomb).unwrap_err(), Flaw::TooLarge | Flaw::Broken));
}

#[test]
fn recordings_are_known_by_their_bytes_and_followed_to_their_end() {
    for (bytes, extension) in recordings::all() {
        let clean = examined(bytes.clone()).unwrap();
        assert_eq!((clean.extension, clean.kind, clean.bytes), (extension, Kind::Audio, bytes.clone()));
        assert!(examined(bytes[..20].to_vec()).is_err(), "{extension}: a head and nothing more");
    }
    let tagged = [&b"ID3\x04\0\0\0\0\0\x05\0\0\0\0\0"[..], &recordings::mp3()].concat();
    assert_eq!(examined(tagged).unwrap().extension, "mp3");
}

#[test]
fn what_only_begins_like_a_recording_is_none() {
    let script = b"<script>alert(1)</script>";
    for head in [
        &b"fLaC\0"[..],
        b"fLaC\x80\0\0\x22",
        b"OggS\0\x02",
        b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
        b"\0\0\0\x20ftypM4A \0\0\0\0",
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0",
        b"ID3\x04\0\0\0\0\0\x05hello",
        b"RIFF\x24\0\0\0AVI LIST",
    ] {
        assert!(examined([head, script].concat()).is_err(), "{}", String::from_utf8_lossy(head));
    }
    // A film is no recording.
    let (mut webm, _) = recordings::all().pop().unwrap();
    let mut put = |old: &[u8], new: &[u8]| {
        let at = webm.windows(old.len()).position(|w| w == old).unwrap();
        webm[at..at + new.len()].copy_from_slice(new);
    };
    put(&[0x83, 0x81, 2], &[0x83, 0x81, 1]);
    put(b"A_OPUS", b"V_VP8\0");
    assert_eq!(examined(webm).unwrap_err(), Flaw::Unknown);
    // A number of channels that a reader of media could not take.
    let mut wav = recordings::all().remove(0).0;
    wav[23] = 0xff;
    assert_eq!(examined(wav).unwrap_err(), Flaw::Unknown);
}

#[test]
fn only_names_of_stored_files_are_looked_up() {
    let hash = "0a".repeat(32);
    assert_eq!(media_type(&format!("{hash}.png")), Some("image/png"));
    for name in [format!("{hash}.svg"), format!("{hash}.html"), hash.to_uppercase() + ".png", "../x.png".into(), hash] {
        assert_eq!(media_type(&name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_looked_at(kind in 0usize..9, tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let heads: [&[u8]; 9] = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\xff\xff\0\0WEBPVP8 ",
            b"ID3", b"\xff\xfb\x90", b"RIFF\0\0\0\0WAVEfmt ", b"\x1a\x45\xdf\xa3"];
        let _ = examined([heads[kind], &tail].concat());
    }
}
