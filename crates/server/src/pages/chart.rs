//! Charts as SVG, drawn here: no script, no inline style, and every bar says in words what it shows.

use std::fmt::Write;

/// One place of a bar chart: its parts are stacked.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands below it.
    pub label: String,
    /// The height of each part, from below.
    pub parts: Vec<i64>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 30.0;
const BOTTOM: f64 = 20.0;
const TOP: f64 = 8.0;
/// Colours there are.
const SERIES: usize = 5;

/// The colour of a part, from 1; those who come late share the last one.
pub fn series(at: usize) -> usize {
    at.min(SERIES - 1) + 1
}

/// A bar chart. `names` are those of the parts, `title` what it shows.
pub fn bars(bars: &[Bar], names: &[&str], title: &str) -> String {
    let most = bars.iter().map(|bar| bar.parts.iter().sum::<i64>()).max().unwrap_or(0);
    let top = nice(most);
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escaped(title));
    for step in [0.0, 0.5, 1.0] {
        let y = TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - step);
        let value = (number(top) * step).round();
        let _ = write!(svg, r#"<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/>"#);
        let _ = write!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{value}</text>"#, LEFT - 6.0, y + 4.0);
    }
    let room = (WIDTH - LEFT) / number(i64::try_from(bars.len().max(1)).unwrap_or(1));
    // Labels that would run into each other are left out.
    let every = if room < 26.0 { (26.0 / room).ceil() } else { 1.0 };
    let mut x = LEFT;
    let mut at = 0.0;
    for bar in bars {
        column(&mut svg, bar, names, (x, room, number(top)));
        if at % every == 0.0 {
            let middle = x + room / 2.0;
            let label = escaped(&bar.label);
            // On a phone letters are bigger: only some of the labels stay.
            let class = if at % (every * 4.0) == 0.0 || bars.len() < 8 { "" } else { r#" class="more""# };
            let _ = write!(
                svg,
                r#"<text{class} x="{middle:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                HEIGHT - 5.0
            );
        }
        x += room;
        at += 1.0;
    }
    svg.push_str("</svg>");
    svg
}

fn column(svg: &mut String, bar: &Bar, names: &[&str], (x, room, top): (f64, f64, f64)) {
    let mut y = HEIGHT - BOTTOM;
    for (at, part) in bar.parts.iter().enumerate().filter(|(_, part)| **part > 0) {
        let height = number(*part) / top * (HEIGHT - TOP - BOTTOM);
        y -= height;
        let (left, width) = (x + room * 0.15, room * 0.7);
        let words = format!("{} · {}: {part}", bar.label, names.get(at).copied().unwrap_or_default());
        let _ = write!(
            svg,
            r#"<rect class="bar s{}" x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5"><title>{}</title></rect>"#,
            series(at),
            escaped(&words)
        );
    }
}

/// The next round number, for the top of the scale.
fn nice(most: i64) -> i64 {
    let mut step = 1;
    loop {
        for factor in [2, 4, 10] {
            if most <= step * factor {
                return step * factor;
            }
        }
        step *= 10;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a chart is not exact to the last of 16 digits")]
fn number(value: i64) -> f64 {
    value as f64
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_what_it_shows_and_stays_in_its_frame() {
        let bar = |label: &str, parts: &[i64]| Bar { label: label.to_owned(), parts: parts.to_vec() };
        let svg = bars(&[bar("1", &[3, 1]), bar("<2>", &[0, 0])], &["Chats", "Plaza"], "Events");
        assert!(svg.contains("<title>1 · Chats: 3</title>") && svg.contains("&lt;2&gt;") && !svg.contains("style"));
        assert_eq!(svg.matches("<rect").count(), 2);
        assert_eq!((nice(0), nice(3), nice(11), nice(41)), (2, 4, 20, 100));
        assert_eq!((series(0), series(9)), (1, 5));
    }
}
