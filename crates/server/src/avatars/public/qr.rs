//! A link as a QR code: PNG for phones and chats, SVG for print.

use fast_qr::ECL;
use fast_qr::qr::{QRBuilder, QRCode};

use crate::error::{ApiError, Result};

/// Modules of white around the code: what the standard asks for.
const QUIET: usize = 4;
/// Pixels of a module in the PNG.
const SCALE: usize = 8;

/// The modules of a code, dark ones true, with the quiet zone; side by side of equal length.
struct Modules {
    side: usize,
    dark: Vec<bool>,
}

fn modules(link: &str) -> Result<Modules> {
    let code: QRCode =
        QRBuilder::new(link).ecl(ECL::M).build().map_err(|e| ApiError::internal(Failed(e.to_string())))?;
    let side = code.size + 2 * QUIET;
    let mut dark = vec![false; side * side];
    for y in 0..code.size {
        for x in 0..code.size {
            dark[(y + QUIET) * side + x + QUIET] = code[y][x].value();
        }
    }
    Ok(Modules { side, dark })
}

/// A black and white PNG.
///
/// # Errors
/// `internal.error` when the link is too long for a QR code, which no share link is.
pub fn png(link: &str) -> Result<Vec<u8>> {
    let modules = modules(link)?;
    let pixels = modules.side * SCALE;
    // One bit per pixel, rows padded to whole bytes, 1 is white.
    let mut data = Vec::with_capacity(pixels * pixels.div_ceil(8));
    for y in 0..pixels {
        let mut row = vec![0u8; pixels.div_ceil(8)];
        for x in 0..pixels {
            if !modules.dark[(y / SCALE) * modules.side + x / SCALE] {
                row[x / 8] |= 0x80 >> (x % 8);
            }
        }
        data.extend(row);
    }
    encode(pixels, &data).map_err(ApiError::internal)
}

fn encode(pixels: usize, data: &[u8]) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let side = u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(out)
}

/// An SVG of one path, a square of 1 unit per module.
///
/// # Errors
/// As [`png`].
pub fn svg(link: &str) -> Result<String> {
    let Modules { side, dark } = modules(link)?;
    let mut path = String::new();
    for (at, _) in dark.iter().enumerate().filter(|(_, dark)| **dark) {
        path.push_str(&format!("M{} {}h1v1h-1z", at % side, at / side));
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{0}\" height=\"{0}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>",
        side * SCALE
    ))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);
