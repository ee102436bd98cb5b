//! multilingual-e5-small, from the small container in which a package carries it to the GGUF that the engine reads.
//!
//! The container has a header, a unigram vocabulary and tensors whose Q4_0 blocks are those of GGUF, so nothing is computed: names
//! are changed and bytes are moved. The same input always gives the same output, whose sum is pinned like any other model's.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The first bytes of the container.
pub(super) const MAGIC: &[u8; 4] = b"E5S1";

const ALIGNMENT: usize = 32;
const F32: u32 = 0;
const Q4_0: u32 = 2;
/// Tokens: ordinary, unknown, control, unused.
const KINDS: [i32; 4] = [1, 2, 3, 5];

/// Writes the GGUF of a container.
pub(super) fn rewrite(container: &Path, gguf: &Path) -> Result<(), String> {
    let bytes = std::fs::read(container).map_err(|e| e.to_string())?;
    let model = Model::read(&bytes).ok_or("the container is cut short or of an unknown form")?;
    let file = File::create(gguf).map_err(|e| e.to_string())?;
    let mut out = BufWriter::new(file);
    model.write(&mut out).and_then(|()| out.flush()).map_err(|e| e.to_string())
}

/// The container, read.
struct Model<'a> {
    sizes: Sizes,
    pieces: Vec<&'a [u8]>,
    scores: Vec<f32>,
    tensors: Vec<Tensor<'a>>,
}

/// The numbers of the header.
struct Sizes {
    width: u32,
    layers: u32,
    heads: u32,
    inner: u32,
    vocabulary: u32,
    positions: u32,
    types: u32,
    epsilon: f32,
    begin: u32,
    end: u32,
    pad: u32,
    unknown: u32,
}

struct Tensor<'a> {
    name: String,
    shape: Vec<u64>,
    kind: u32,
    data: &'a [u8],
}

/// Takes values off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    fn long(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?)).ok()
    }

    fn f32(&mut self) -> Option<f32> {
        self.u32().map(f32::from_bits)
    }
}

impl<'a> Model<'a> {
    fn read(all: &'a [u8]) -> Option<Self> {
        let mut r = Reader(all);
        if r.bytes(4)? != MAGIC || r.u32()? != 1 {
            return None;
        }
        let [width, layers, heads, inner, vocabulary, positions, types] =
            [r.u32()?, r.u32()?, r.u32()?, r.u32()?, r.u32()?, r.u32()?, r.u32()?];
        let epsilon = r.f32()?;
        let (block, count) = (r.u32()?, r.size()?);
        let [begin, end, pad, unknown] = [r.u32()?, r.u32()?, r.u32()?, r.u32()?];
        if block != 32 || width % 32 != 0 || inner % 32 != 0 {
            return None;
        }
        let blob = r.long()?;
        let offsets: Vec<usize> = (0..=count).map(|_| r.size()).collect::<Option<_>>()?;
        let scores = (0..count).map(|_| r.f32()).collect::<Option<_>>()?;
        let blob = r.bytes(blob)?;
        let pieces = offsets.windows(2).map(|pair| blob.get(pair[0]..pair[1])).collect::<Option<_>>()?;
        // How characters are brought to one form: callers do NFKC, which is the same but for rare ones.
        let _ = r.u32()?;
        let map = r.size()?;
        r.bytes(map)?;
        let sizes =
            Sizes { width, layers, heads, inner, vocabulary, positions, types, epsilon, begin, end, pad, unknown };
        let directory = (0..r.size()?).map(|_| entry(&mut r, all)).collect::<Option<Vec<_>>>()?;
        let tensors = names(layers).into_iter().map(|name| tensor(&name, &directory, &sizes)).collect::<Option<_>>()?;
        Some(Self { sizes, pieces, scores, tensors })
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut head = Head::default();
        self.describe(&mut head);
        self.vocabulary(&mut head);
        let mut start = [b"GGUF".as_slice(), &3u32.to_le_bytes(), &(self.tensors.len() as u64).to_le_bytes()].concat();
        start.extend((head.count).to_le_bytes());
        start.extend(&head.bytes);
        let mut offset = 0;
        for tensor in &self.tensors {
            start.extend(text(tensor.name.as_bytes()));
            start.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().for_each(|n| start.extend(n.to_le_bytes()));
            start.extend(tensor.kind.to_le_bytes());
            start.extend((offset as u64).to_le_bytes());
            offset += tensor.data.len().next_multiple_of(ALIGNMENT);
        }
        let pad = |length: usize| vec![0u8; length.next_multiple_of(ALIGNMENT) - length];
        out.write_all(&start)?;
        out.write_all(&pad(start.len()))?;
        for tensor in &self.tensors {
            out.write_all(tensor.data)?;
            out.write_all(&pad(tensor.data.len()))?;
        }
        Ok(())
    }

    fn describe(&self, head: &mut Head) {
        let s = &self.sizes;
        head.text("general.architecture", "bert");
        head.text("general.name", "multilingual-e5-small");
        head.text("general.license", "mit");
        for (key, value) in [
            ("general.file_type", 2),
            ("bert.block_count", s.layers),
            ("bert.context_length", s.positions),
            ("bert.embedding_length", s.width),
            ("bert.feed_forward_length", s.inner),
            ("bert.attention.head_count", s.heads),
            ("bert.pooling_type", 1),
            ("tokenizer.ggml.token_type_count", s.types),
            ("tokenizer.ggml.bos_token_id", s.begin),
            ("tokenizer.ggml.eos_token_id", s.end),
            ("tokenizer.ggml.seperator_token_id", s.end),
            ("tokenizer.ggml.padding_token_id", s.pad),
            ("tokenizer.ggml.unknown_token_id", s.unknown),
        ] {
            head.number(key, value);
        }
        head.value("bert.attention.layer_norm_epsilon", 6, &s.epsilon.to_le_bytes());
        head.value("bert.attention.causal", 7, &[0]);
        for key in ["add_bos_token", "add_eos_token", "add_space_prefix", "remove_extra_whitespaces"] {
            head.value(&format!("tokenizer.ggml.{key}"), 7, &[1]);
        }
        head.text("tokenizer.ggml.model", "t5");
    }

    /// The pieces, and names for the rows of the table that have none.
    fn vocabulary(&self, head: &mut Head) {
        let s = &self.sizes;
        let rows = s.vocabulary as usize;
        let (mut tokens, mut scores, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let piece = self.pieces.get(row);
            match piece {
                Some(piece) => tokens.extend(text(piece)),
                None => tokens.extend(text(format!("[unused{row}]").as_bytes())),
            }
            scores.extend(self.scores.get(row).copied().unwrap_or(-1_000.0).to_le_bytes());
            let row = row as u32;
            let kind = match piece {
                None => KINDS[3],
                Some(_) if row == s.unknown => KINDS[1],
                Some(_) if [s.begin, s.end, s.pad].contains(&row) => KINDS[2],
                Some(_) => KINDS[0],
            };
            kinds.extend(kind.to_le_bytes());
        }
        head.list("tokenizer.ggml.tokens", 8, rows, &tokens);
        head.list("tokenizer.ggml.scores", 6, rows, &scores);
        head.list("tokenizer.ggml.token_type", 5, rows, &kinds);
    }
}

/// The key-value part of a GGUF.
#[derive(Default)]
struct Head {
    count: u64,
    bytes: Vec<u8>,
}

impl Head {
    fn value(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.count += 1;
        self.bytes.extend(text(key.as_bytes()));
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(value);
    }

    fn number(&mut self, key: &str, value: u32) {
        self.value(key, 4, &value.to_le_bytes());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.value(key, 8, &text(value.as_bytes()));
    }

    fn list(&mut self, key: &str, kind: u32, length: usize, values: &[u8]) {
        let start = [kind.to_le_bytes().as_slice(), &(length as u64).to_le_bytes(), values].concat();
        self.value(key, 9, &start);
    }
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [(bytes.len() as u64).to_le_bytes().as_slice(), bytes].concat()
}

/// One line of the container's directory: name and bytes.
fn entry<'a>(r: &mut Reader<'a>, all: &'a [u8]) -> Option<(String, &'a [u8])> {
    let length = usize::from(u16::from_le_bytes(r.bytes(2)?.try_into().ok()?));
    let name = String::from_utf8(r.bytes(length)?.to_vec()).ok()?;
    let _kind = r.bytes(1)?;
    let _elements = r.u32()?;
    let (offset, size) = (r.long()?, r.long()?);
    Some((name, all.get(offset..offset.checked_add(size)?)?))
}

/// GGUF's name, the container's name.
fn names(layers: u32) -> Vec<(String, String)> {
    let fixed = [
        ("token_embd.weight", "emb.word"),
        ("position_embd.weight", "emb.pos"),
        ("token_types.weight", "emb.type"),
        ("token_embd_norm.weight", "emb.ln.w"),
        ("token_embd_norm.bias", "emb.ln.b"),
    ];
    let parts = [
        ("attn_q", "q"),
        ("attn_k", "k"),
        ("attn_v", "v"),
        ("attn_output", "ao"),
        ("attn_output_norm", "aln"),
        ("ffn_up", "fi"),
        ("ffn_down", "fo"),
        ("layer_output_norm", "oln"),
    ];
    let mut names: Vec<_> = fixed.iter().map(|(new, old)| ((*new).to_owned(), (*old).to_owned())).collect();
    for layer in 0..layers {
        for (new, old) in parts {
            names.push((format!("blk.{layer}.{new}.weight"), format!("l{layer}.{old}.w")));
            names.push((format!("blk.{layer}.{new}.bias"), format!("l{layer}.{old}.b")));
        }
    }
    names
}

/// The tensor under its new name. Its shape follows from what it is, and must be that of its bytes.
fn tensor<'a>(names: &(String, String), directory: &[(String, &'a [u8])], s: &Sizes) -> Option<Tensor<'a>> {
    let (name, old) = names;
    let data = directory.iter().find(|(known, _)| known == old)?.1;
    let (width, inner) = (u64::from(s.width), u64::from(s.inner));
    let shape = match old.rsplit('.').collect::<Vec<_>>()[..] {
        ["word", ..] => vec![width, u64::from(s.vocabulary)],
        ["pos", ..] => vec![width, u64::from(s.positions)],
        ["type", ..] => vec![width, u64::from(s.types)],
        ["w", "q" | "k" | "v" | "ao", ..] => vec![width, width],
        ["w", "fi", ..] => vec![width, inner],
        ["w", "fo", ..] => vec![inner, width],
        ["b", "fi", ..] => vec![inner],
        _ => vec![width],
    };
    let elements: u64 = shape.iter().product();
    let quantized = name.ends_with(".weight") && shape.len() == 2 && !matches!(old.as_str(), "emb.pos" | "emb.type");
    let (kind, size) = if quantized { (Q4_0, elements / 32 * 18) } else { (F32, elements * 4) };
    (data.len() as u64 == size).then(|| Tensor { name: name.clone(), shape, kind, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_container_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        for content in [&b""[..], b"GGUF", b"E5S1\x01\0\0\0\x80\x01\0\0", &[b'E'; 500]] {
            std::fs::write(&from, content).unwrap();
            assert!(rewrite(&from, &to).unwrap_err().contains("container"), "{content:?}");
        }
    }
}
