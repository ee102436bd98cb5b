//! Short recordings in every container that is taken, made here byte by byte.

/// Each with its extension.
pub(super) fn all() -> Vec<(Vec<u8>, &'static str)> {
    vec![(wav(), "wav"), (mp3(), "mp3"), (flac(), "flac"), (ogg(), "ogg"), (m4a(), "m4a"), (webm(), "webm")]
}

/// Sixteen-bit samples at 16 kHz.
pub(super) fn wav() -> Vec<u8> {
    let data = [7_u8; 64];
    let mut file =
        b"RIFF\x64\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x40\0\0\0".to_vec();
    file.extend(data);
    file
}

/// Frames of silence: MPEG 1, layer III, 128 kbit/s, 44.1 kHz.
pub(super) fn mp3() -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x90, 0xc4];
    frame.resize(417, 0);
    frame.repeat(4)
}

/// A block of sixteen equal samples.
fn flac() -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22\0\x10\0\x10\0\0\0\0\0\0".to_vec();
    // 16 kHz, one channel, sixteen bits, sixteen samples.
    file.extend([0x03, 0xe8, 0x00, 0xf0, 0, 0, 0, 0x10]);
    file.extend([0; 16]);
    let mut frame = vec![0xff, 0xf8, 0x60, 0x08, 0, 15];
    frame.push(u8::try_from(checksum(&frame, 0x07, 8)).unwrap());
    frame.extend([0, 0, 5]);
    let sum = u16::try_from(checksum(&frame, 0x8005, 16)).unwrap();
    frame.extend(sum.to_be_bytes());
    [file, frame].concat()
}

/// A remainder by a polynomial, the most significant bit first.
fn checksum(bytes: &[u8], polynomial: u64, bits: u32) -> u64 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u64::from(*byte) << (bits - 8), |sum, _| {
            let next = sum << 1;
            (if next >> bits & 1 == 1 { next ^ polynomial } else { next }) & ((1 << bits) - 1)
        })
    })
}

/// Opus: its two headers and three packets.
fn ogg() -> Vec<u8> {
    let head = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0".to_vec();
    let tags = b"OpusTags\x04\0\0\0test\0\0\0\0".to_vec();
    let sound = vec![0xf8, 0xff, 0xfe];
    let pages = [(2, 0, head), (0, 0, tags), (0, 960, sound.clone()), (0, 1_920, sound.clone()), (4, 2_880, sound)];
    let page = |(number, (flags, position, packet)): (usize, (u8, u64, Vec<u8>))| {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend(position.to_le_bytes());
        page.extend(1_u32.to_le_bytes());
        page.extend(u32::try_from(number).unwrap().to_le_bytes());
        page.extend([0; 4]);
        page.extend([1, u8::try_from(packet.len()).unwrap()]);
        page.extend(packet);
        let sum = u32::try_from(checksum(&page, 0x04c1_1db7, 32)).unwrap();
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        page
    };
    pages.into_iter().enumerate().flat_map(page).collect()
}

/// AAC: a film's boxes around three packets.
fn m4a() -> Vec<u8> {
    let atom = |name: &[u8; 4], content: Vec<u8>| {
        [&u32::try_from(content.len() + 8).unwrap().to_be_bytes(), name.as_slice(), &content].concat()
    };
    let numbers = |all: &[u32]| all.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    let esds = [
        vec![0, 0, 0, 0, 0x03, 0x19, 0, 1, 0, 0x04, 0x11, 0x40, 0x15, 0, 0, 0, 0, 0, 0xfa, 0, 0, 0, 0xfa, 0],
        vec![0x05, 0x02, 0x12, 0x08, 0x06, 0x01, 0x02],
    ]
    .concat();
    let mut mp4a = vec![0, 0, 0, 0, 0, 0, 0, 1];
    mp4a.extend(numbers(&[0, 0, 0x0001_0010, 0, 44_100 << 16]));
    mp4a.extend(atom(b"esds", esds));
    let stsd = [numbers(&[0, 1]), atom(b"mp4a", mp4a)].concat();
    let matrix = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
    let mvhd = [
        numbers(&[0, 0, 0, 1_000, 70, 0x1_0000, 0x0100_0000, 0, 0]),
        numbers(&matrix),
        numbers(&[0, 0, 0, 0, 0, 0, 2]),
    ];
    let tkhd = [numbers(&[7, 0, 0, 1, 0, 70, 0, 0, 0, 0x0100_0000]), numbers(&matrix), numbers(&[0, 0])];
    let mdhd = numbers(&[0, 0, 0, 44_100, 3_072, 0x55c4_0000]);
    let hdlr = [numbers(&[0, 0]), b"soun".to_vec(), numbers(&[0, 0, 0]), vec![0]].concat();
    let ftyp = atom(b"ftyp", b"M4A \0\0\0\0M4A mp42isom".to_vec());
    let moov = |place: u32| {
        let stbl = [
            atom(b"stsd", stsd.clone()),
            atom(b"stts", numbers(&[0, 1, 3, 1_024])),
            atom(b"stsc", numbers(&[0, 1, 1, 3, 1])),
            atom(b"stsz", numbers(&[0, 4, 3])),
            atom(b"stco", numbers(&[0, 1, place])),
        ];
        let dref = atom(b"dref", [numbers(&[0, 1]), atom(b"url ", numbers(&[1]))].concat());
        let minf = [atom(b"smhd", numbers(&[0, 0])), atom(b"dinf", dref), atom(b"stbl", stbl.concat())].concat();
        let mdia = [atom(b"mdhd", mdhd.clone()), atom(b"hdlr", hdlr.clone()), atom(b"minf", minf)].concat();
        let trak = [atom(b"tkhd", tkhd.concat()), atom(b"mdia", mdia)].concat();
        atom(b"moov", [atom(b"mvhd", mvhd.concat()), atom(b"trak", trak)].concat())
    };
    let place = u32::try_from(ftyp.len() + moov(0).len() + 8).unwrap();
    [ftyp, moov(place), atom(b"mdat", vec![0x21; 12])].concat()
}

/// Opus, as browsers record it: a segment and a cluster of unknown length.
fn webm() -> Vec<u8> {
    let element = |id: &[u8], content: &[u8]| [id, &[0x80 | u8::try_from(content.len()).unwrap()], content].concat();
    let unknown =
        |id: &[u8], content: Vec<u8>| [id, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &content].concat();
    let head = [
        element(&[0x42, 0x86], &[1]),
        element(&[0x42, 0xf7], &[1]),
        element(&[0x42, 0xf2], &[4]),
        element(&[0x42, 0xf3], &[8]),
        element(&[0x42, 0x82], b"webm"),
        element(&[0x42, 0x87], &[4]),
        element(&[0x42, 0x85], &[2]),
    ];
    let info = [
        element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]),
        element(&[0x4d, 0x80], b"test"),
        element(&[0x57, 0x41], b"test"),
    ]
    .concat();
    let audio = [element(&[0xb5], &48_000_f32.to_be_bytes()), element(&[0x9f], &[1])].concat();
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[2]),
        element(&[0x86], b"A_OPUS"),
        element(&[0x63, 0xa2], b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0"),
        element(&[0xe1], &audio),
    ];
    let tracks = element(&[0xae], &track.concat());
    let sound = [0x81, 0, 0, 0x80, 0xf8, 0xff, 0xfe];
    let cluster = [element(&[0xe7], &[0]), element(&[0xa3], &sound), element(&[0xa3], &sound)].concat();
    let segment = [
        element(&[0x15, 0x49, 0xa9, 0x66], &info),
        element(&[0x16, 0x54, 0xae, 0x6b], &tracks),
        unknown(&[0x1f, 0x43, 0xb6, 0x75], cluster),
    ];
    [element(&[0x1a, 0x45, 0xdf, 0xa3], &head.concat()), unknown(&[0x18, 0x53, 0x80, 0x67], segment.concat())].concat()
}
