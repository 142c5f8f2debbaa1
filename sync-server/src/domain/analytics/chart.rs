//! Bars as SVG, drawn by the server: no script, letters that fit light and dark, and words for those who do not see it.
//! Pure.

use std::fmt::Write as _;

/// Width of a chart, in its own units.
const WIDTH: f64 = 800.0;
/// Height.
const HEIGHT: f64 = 300.0;
/// Room for labels at the left and below.
const MARGIN: f64 = 40.0;
/// Width of a letter of a label, about.
const LETTER: f64 = 6.5;
/// The most letters of a label.
const MOST_LETTERS: usize = 12;
/// The colour of letters, as light or dark as what is around the picture.
const STYLE: &str = "<style>svg{color:#1e2426}@media (prefers-color-scheme:dark){svg{color:#e9e6de}}</style>";
/// Colours that are told apart by people who see colours differently (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#cc3311", "#999999", "#009e73", "#56b4e9"];

/// Stacked bars: a bar for each row, a part for each column.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What the parts are.
    pub columns: Vec<String>,
    /// The bars: their labels and the sizes of their parts, none below zero.
    pub rows: Vec<(String, Vec<f64>)>,
}

impl Chart {
    /// The drawing.
    #[must_use]
    pub fn svg(&self) -> String {
        let highest = self.rows.iter().map(|(_, parts)| parts.iter().sum::<f64>()).fold(0.0, f64::max);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"t d\" class=\"chart\" font-size=\"11\" font-family=\"sans-serif\"><title id=\"t\">{}</title>\
             <desc id=\"d\">{}</desc>{STYLE}",
            escaped(&self.title),
            escaped(&self.words(highest)),
        );
        self.axis(&mut svg, highest);
        self.bars(&mut svg, highest);
        self.legend(&mut svg);
        svg.push_str("</svg>");
        svg
    }

    fn words(&self, highest: f64) -> String {
        let top = self.rows.iter().max_by(|a, b| a.1.iter().sum::<f64>().total_cmp(&b.1.iter().sum::<f64>()));
        match top.filter(|_| highest > 0.0) {
            Some((label, _)) => {
                format!(
                    "{} bars; the highest, {label}, is {}. The numbers stand in the table.",
                    self.rows.len(),
                    number(highest)
                )
            }
            None => "Nothing to be shown.".into(),
        }
    }

    fn axis(&self, svg: &mut String, highest: f64) {
        let base = HEIGHT - MARGIN;
        // Writing to a text does not fail.
        let _ = write!(
            svg,
            "<line x1=\"{MARGIN}\" y1=\"{base}\" x2=\"{WIDTH}\" y2=\"{base}\" stroke=\"currentColor\"/>\
             <text x=\"{}\" y=\"20\" text-anchor=\"end\" fill=\"currentColor\">{}</text>\
             <text x=\"{}\" y=\"{base}\" text-anchor=\"end\" fill=\"currentColor\">0</text>",
            MARGIN - 4.0,
            number(highest),
            MARGIN - 4.0,
        );
    }

    fn bars(&self, svg: &mut String, highest: f64) {
        let (base, room) = (HEIGHT - MARGIN, HEIGHT - MARGIN - 10.0);
        let step = (WIDTH - MARGIN) / self.rows.len().max(1) as f64;
        let labels = self.labels();
        let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
        // Labels must not run into each other.
        let every = ((widest as f64 * LETTER + LETTER) / step).ceil().max(1.0) as usize;
        for (place, (label, parts)) in self.rows.iter().enumerate() {
            let (x, mut y) = (MARGIN + step * place as f64 + step * 0.1, base);
            for (part, size) in parts.iter().enumerate().filter(|(_, size)| **size > 0.0) {
                let height = size / highest * room;
                y -= height;
                let _ = write!(
                    svg,
                    "<rect class=\"c{part}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" \
                     fill=\"{}\"><title>{}: {} {}</title></rect>",
                    step * 0.8,
                    COLOURS[part % COLOURS.len()],
                    escaped(label),
                    number(*size),
                    escaped(self.columns.get(part).map_or("", String::as_str)),
                );
            }
            if place % every == 0 {
                let _ = write!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"currentColor\">{}</text>",
                    x + step * 0.4,
                    base + 16.0,
                    escaped(&labels[place]),
                );
            }
        }
    }

    /// Labels as they stand under the bars: of days that are all of one year, or of two, without it.
    fn labels(&self) -> Vec<String> {
        let is_day = |label: &str| label.is_ascii() && label.len() == 10 && label.as_bytes().get(4) == Some(&b'-');
        let are_days = self.rows.iter().all(|(label, _)| is_day(label));
        let short = |label: &String| match are_days {
            true => label[5..].to_owned(),
            false => label.chars().take(MOST_LETTERS).collect(),
        };
        self.rows.iter().map(|(label, _)| short(label)).collect()
    }

    fn legend(&self, svg: &mut String) {
        let wide = (WIDTH - MARGIN) / self.columns.len().max(1) as f64;
        for (place, column) in self.columns.iter().enumerate() {
            let x = MARGIN + wide * place as f64;
            let _ = write!(
                svg,
                "<rect class=\"c{place}\" x=\"{x:.1}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{}\" fill=\"currentColor\">{}</text>",
                HEIGHT - 14.0,
                COLOURS[place % COLOURS.len()],
                x + 14.0,
                HEIGHT - 5.0,
                escaped(&column.replace('_', " ")),
            );
        }
    }
}

/// Without digits that say nothing.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_its_bars_and_words_and_lets_no_markup_in() {
        let chart = Chart {
            title: "Visits <by> \"hour\"".into(),
            columns: vec!["match".into(), "a & b".into()],
            rows: vec![("00:00".into(), vec![3.0, 1.0]), ("<script>".into(), vec![0.0, 2.5])],
        };
        let svg = chart.svg();
        assert_eq!(svg.matches("<rect class=\"c0\"").count(), 2, "one bar, one in the legend");
        assert_eq!(svg.matches("<rect class=\"c1\"").count(), 3);
        assert!(svg.contains("Visits &lt;by&gt; &quot;hour&quot;") && svg.contains("a &amp; b"));
        assert!(!svg.contains("<script") && !svg.contains("style="));
        assert!(svg.contains("the highest, 00:00, is 4"), "{svg}");
    }

    #[test]
    fn labels_of_many_days_leave_each_other_room() {
        let rows =
            (0..400).map(|day| (format!("2026-{:02}-{:02}", day / 28 % 12 + 1, day % 28 + 1), vec![1.0])).collect();
        let svg = Chart { title: "x".into(), columns: vec!["visits".into()], rows }.svg();
        let labels = svg.matches("text-anchor=\"middle\"").count();
        assert!((10..=20).contains(&labels) && !svg.contains("fill=\"currentColor\">2026-"), "{labels}");
        let odd = Chart { rows: vec![("Türe-ä".into(), vec![1.0])], columns: vec!["a_b".into()], ..Chart::default() };
        assert!(odd.svg().contains(">Türe-ä<") && odd.svg().contains(">a b<"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let svg = Chart { title: "x".into(), ..Chart::default() }.svg();
        assert!(svg.contains("Nothing to be shown.") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let zero = Chart { rows: vec![("a".into(), vec![0.0])], columns: vec!["b".into()], title: "x".into() };
        assert!(!zero.svg().contains("NaN"));
    }
}
