//! Members of a `.tgz`: only what is needed of the format, and nothing is written where the archive says.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;

/// Bytes of a header; members are filled up to a multiple.
const BLOCK: u64 = 512;

/// Writes the members whose paths end so, in the order of `wanted` (which is that of the archive or not), to `out`; `limit` bytes
/// of each at most.
///
/// # Errors
/// What is missing, or what the archive's reader said.
pub(super) fn members(archive: &Path, wanted: &[&str], limit: u64, out: &mut dyn Write) -> Result<(), String> {
    let mut found: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
    let mut tar = GzDecoder::new(File::open(archive).map_err(|e| e.to_string())?);
    let mut header = [0; BLOCK as usize];
    loop {
        if let Err(error) = tar.read_exact(&mut header) {
            // Two empty blocks end an archive; some writers leave them out.
            if error.kind() == std::io::ErrorKind::UnexpectedEof { break } else { return Err(error.to_string()) }
        }
        if header.iter().all(|b| *b == 0) {
            break;
        }
        let (name, size) = (text(&header[..100]), octal(&header[124..136]).ok_or("a damaged archive")?);
        let place = wanted.iter().position(|w| name.ends_with(w)).filter(|_| matches!(header[156], 0 | b'0'));
        let mut content = Vec::new();
        let mut member = Read::by_ref(&mut tar).take(size);
        if place.is_some() && size <= limit {
            member.read_to_end(&mut content).map_err(|e| e.to_string())?;
        } else {
            std::io::copy(&mut member, &mut std::io::sink()).map_err(|e| e.to_string())?;
        }
        let filling = (BLOCK - size % BLOCK) % BLOCK;
        std::io::copy(&mut Read::by_ref(&mut tar).take(filling), &mut std::io::sink()).map_err(|e| e.to_string())?;
        if let Some(place) = place {
            found[place] = Some(content);
        }
    }
    for (content, name) in found.iter().zip(wanted) {
        let content = content.as_ref().ok_or_else(|| format!("{name} is not in it"))?;
        out.write_all(content).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn octal(field: &[u8]) -> Option<u64> {
    u64::from_str_radix(text(field).trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, content: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        let size = format!("{:011o}\0", content.len());
        block[124..136].copy_from_slice(size.as_bytes());
        block[156] = b'0';
        block.extend(content);
        block.resize(block.len().div_ceil(512) * 512, 0);
        block
    }

    #[test]
    fn members_come_in_the_order_asked_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
        for (name, content) in [("package/a.bin", "first"), ("package/b.bin", "second"), ("package/c.bin", "third")] {
            gzip.write_all(&entry(name, content.as_bytes())).unwrap();
        }
        gzip.write_all(&[0; 1024]).unwrap();
        gzip.finish().unwrap();
        let mut out = Vec::new();
        members(file.path(), &["c.bin", "a.bin"], 100, &mut out).unwrap();
        assert_eq!(out, b"thirdfirst");
        let error = members(file.path(), &["d.bin"], 100, &mut out).unwrap_err();
        assert_eq!(error, "d.bin is not in it");
        assert!(members(file.path(), &["c.bin"], 2, &mut out).is_ok_and(|()| out == b"thirdfirst"), "too big: nothing");
    }
}
