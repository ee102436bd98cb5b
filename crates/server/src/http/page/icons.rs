//! The icons of pages: lines on a grid of 24, drawn in the colour of the text.

/// An icon by its name; an unknown one is a ring.
pub fn icon(name: &str) -> String {
    let drawing =
        DRAWINGS.iter().find(|(known, _)| *known == name).map_or(r#"<circle cx="12" cy="12" r="8"/>"#, |d| d.1);
    format!(
        r#"<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">{drawing}</svg>"#
    )
}

const DRAWINGS: &[(&str, &str)] = &[
    ("chat", r#"<path d="M4 5h16v11H10l-5 4v-4H4z"/>"#),
    ("memory", r#"<path d="M6 3h11a2 2 0 0 1 2 2v16H7a2 2 0 0 1-2-2V4"/><path d="M5 18h14M9 7h6M9 11h6"/>"#),
    (
        "avatars",
        r#"<circle cx="9" cy="8" r="4"/><path d="M2 20a7 7 0 0 1 14 0M16 4.5a4 4 0 0 1 0 7M18.5 14.5A7 7 0 0 1 22 20"/>"#,
    ),
    ("inbox", r#"<path d="M3 13l3-8h12l3 8v6H3z"/><path d="M3 13h5l1.5 3h5L16 13h5"/>"#),
    ("timeline", r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>"#),
    ("plaza", r#"<path d="M4 10l8-6 8 6v10H4z"/><path d="M9 20v-6h6v6"/>"#),
    (
        "apps",
        r#"<rect x="4" y="4" width="6.5" height="6.5" rx="1"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1"/><path d="M16.75 13.5v6.5M13.5 16.75h6.5"/>"#,
    ),
    (
        "settings",
        r#"<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>"#,
    ),
    ("code", r#"<path d="M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14"/>"#),
    ("book", r#"<path d="M12 6c-2-1.5-5-2-9-2v14c4 0 7 .5 9 2 2-1.5 5-2 9-2V4c-4 0-7 .5-9 2zM12 6v14"/>"#),
    ("shield", r#"<path d="M12 3l8 3v6c0 4.5-3.2 7.6-8 9-4.8-1.4-8-4.5-8-9V6z"/>"#),
    ("menu", r#"<path d="M4 7h16M4 12h16M4 17h16"/>"#),
    ("plus", r#"<path d="M12 5v14M5 12h14"/>"#),
    ("search", r#"<circle cx="11" cy="11" r="6.5"/><path d="M16 16l5 5"/>"#),
    ("edit", r#"<path d="M4 20l1-4L16 5l3 3L8 19z"/>"#),
    ("trash", r#"<path d="M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5"/>"#),
    ("send", r#"<path d="M12 19V5M6 11l6-6 6 6"/>"#),
    ("stop", r#"<rect x="6.5" y="6.5" width="11" height="11" rx="1.5"/>"#),
    ("retry", r#"<path d="M20 6v5h-5M4 18v-5h5"/><path d="M19 11a7.5 7.5 0 0 0-13.5-3M5 13a7.5 7.5 0 0 0 13.5 3"/>"#),
    ("speak", r#"<path d="M4 10v4h4l5 4V6L8 10zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11"/>"#),
    ("why", r#"<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.5c-.7.4-1 .8-1 1.7M12 16.7v.2"/>"#),
    ("copy", r#"<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V4H4v12h4"/>"#),
    ("share", r#"<path d="M12 15V4M8 7.5L12 4l4 3.5M5 12v8h14v-8"/>"#),
    ("eye", r#"<path d="M2 12c3-5 6.5-7 10-7s7 2 10 7c-3 5-6.5 7-10 7s-7-2-10-7z"/><circle cx="12" cy="12" r="3"/>"#),
    ("lock", r#"<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>"#),
    ("like", r#"<path d="M12 20C5 15 3 12 3 8.5A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 9 1.5c0 3.5-2 6.5-9 11.5z"/>"#),
    ("check", r#"<path d="M5 12.5l4.5 4.5L19 7"/>"#),
    ("close", r#"<path d="M6 6l12 12M18 6L6 18"/>"#),
    ("warn", r#"<path d="M12 4l9 16H3zM12 10v4.5M12 17.2v.2"/>"#),
    ("left", r#"<path d="M15 5l-7 7 7 7"/>"#),
    ("right", r#"<path d="M9 5l7 7-7 7"/>"#),
    (
        "link",
        r#"<path d="M10 14l4-4M8.5 11L6 13.5a3.5 3.5 0 0 0 5 5L13.5 16M15.5 13l2.5-2.5a3.5 3.5 0 0 0-5-5L10.5 8"/>"#,
    ),
    ("download", r#"<path d="M12 4v11M8 11.5l4 3.5 4-3.5M5 20h14"/>"#),
    ("key", r#"<circle cx="8" cy="15" r="4"/><path d="M11 12l8-8M16 7l3 3"/>"#),
    ("chart", r#"<path d="M4 4v16h16M8 16v-4M12 16V8M16 16v-6"/>"#),
    (
        "hand",
        r#"<path d="M7 12V7a1.5 1.5 0 0 1 3 0v4V5a1.5 1.5 0 0 1 3 0v6V6.5a1.5 1.5 0 0 1 3 0V12V9a1.5 1.5 0 0 1 3 0v6c0 3.5-2.5 6-6 6-3 0-4.5-1.5-6-4l-2.5-4c1-1.3 2.2-.8 2.5-.3z"/>"#,
    ),
    ("mic", r#"<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5 11a7 7 0 0 0 14 0M12 18v3"/>"#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_decoration() {
        for (name, drawing) in DRAWINGS {
            let icon = icon(name);
            assert!(icon.contains(drawing) && icon.contains("aria-hidden") && !icon.contains("style"), "{name}");
        }
        assert!(icon("unheard of").contains("<circle"));
    }
}
