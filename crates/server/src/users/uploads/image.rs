//! Pictures: recognised by their bytes, decoded within limits, encoded anew. What was beside the picture (metadata, thumbnails,
//! text after its end, a second file in the same bytes) does not survive.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Clean, Flaw, Kind};
use crate::config::Uploads;

const JPEG_QUALITY: u8 = 88;
/// Rows, palettes and the like that a decoder holds beside the pixels.
const BESIDE_PIXELS: u64 = 16 * 1024 * 1024;

/// The format that the first bytes show, when it is one we take.
pub(super) fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok()?;
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif).then_some(format)
}

/// The picture as it is stored: upright, PNG when it is one or has transparency, JPEG otherwise. Of a moving picture the first one.
pub(super) fn clean(bytes: &[u8], format: ImageFormat, limits: &Uploads) -> Result<Clean, Flaw> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = Limits::default();
    bounds.max_image_width = Some(limits.image_max_side);
    bounds.max_image_height = Some(limits.image_max_side);
    bounds.max_alloc = Some(limits.image_max_pixels.saturating_mul(8).saturating_add(BESIDE_PIXELS));
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(flaw)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.image_max_pixels {
        return Err(Flaw::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(flaw)?;
    picture.apply_orientation(orientation);
    encoded(&picture, format).map_err(|_| Flaw::Broken)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> image::ImageResult<Clean> {
    let mut bytes = Vec::new();
    let alpha = picture.color().has_alpha();
    let extension = if alpha || matches!(format, ImageFormat::Png | ImageFormat::Gif) {
        let plain = if alpha { DynamicImage::from(picture.to_rgba8()) } else { DynamicImage::from(picture.to_rgb8()) };
        plain.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
        "png"
    } else {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&picture.to_rgb8())?;
        "jpg"
    };
    Ok(Clean { bytes, extension, kind: Kind::Image })
}

fn flaw(error: image::ImageError) -> Flaw {
    if matches!(error, image::ImageError::Limits(_)) { Flaw::TooLarge } else { Flaw::Broken }
}
