//! What an embedder is given for a memory.

/// The text that stands for a memory: an answer means little without what was said before it, and who says it belongs to what is
/// said. Each part is a text and, if known, its speaker.
pub fn passage(before: Option<(&str, Option<&str>)>, own: (&str, Option<&str>)) -> String {
    let said = |(text, speaker): (&str, Option<&str>)| match speaker {
        Some(speaker) => format!("{speaker}: {text}"),
        None => text.to_owned(),
    };
    match before {
        Some(before) => format!("{} {}", said(before), said(own)),
        None => said(own),
    }
}
