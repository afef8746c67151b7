//! The answer as Markdown.

use std::collections::BTreeMap;

use super::classes::Class;
use super::score::{Score, mean, precision};
use super::{RATES, WINDOWS};

/// Scores of one detector, by class, window and rate; a benign class has rate 0.
pub(crate) type Scores = BTreeMap<(&'static str, i64, u32), Score>;

/// How often the judge said what, by class, window and rate.
pub(crate) type Words = BTreeMap<(&'static str, i64, u32), BTreeMap<&'static str, u32>>;

/// From this rate on a leak must be found, goroutines per hour.
const FOUND_FROM: u32 = 5;

/// Detectors beside one another.
pub(crate) fn summary(classes: &[Class], detectors: &[(&str, Scores)]) -> String {
    let mut text = String::from(
        "| window | detector | precision | recall | recall at 1/h | false at the end | at any time \
         | alarms in 1,000 series-days | found after |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for hours in WINDOWS {
        for (name, scores) in detectors {
            let view = View {
                classes,
                scores,
                hours,
            };
            let found = RATES.into_iter().filter(|rate| *rate >= FOUND_FROM);
            let recall = mean(found.map(|rate| view.recall(rate)));
            text += &format!(
                "| {hours} h | {name} | {} | {} | {} | {} | {} | {:.1} | {} |\n",
                shares(precision(recall, view.benign(Score::rate))),
                share(recall),
                share(view.recall(1)),
                share(view.benign(Score::rate)),
                share(view.benign(Score::ever)),
                view.benign(Score::alarms_in_1000_days),
                view.after(),
            );
        }
    }
    text
}

/// One detector, class by class.
pub(crate) fn detail(classes: &[Class], scores: &Scores) -> String {
    let mut text = String::from("| leaks | window |");
    for rate in RATES {
        text += &format!(" {rate}/h |");
    }
    text += " precision |\n|---|---|---|---|---|---|---|---|\n";
    for class in classes.iter().filter(|class| class.leaks) {
        for hours in WINDOWS {
            text += &leaking_row(
                &View {
                    classes,
                    scores,
                    hours,
                },
                class,
            );
        }
    }
    for hours in WINDOWS {
        let view = View {
            classes,
            scores,
            hours,
        };
        text += &format!("| **all** | {hours} h |");
        for rate in RATES {
            text += &format!(" {} |", share(view.recall(rate)));
        }
        text += " |\n";
    }
    text += "\n| does not leak |";
    for hours in WINDOWS {
        text += &format!(" {hours} h |");
    }
    text += "\n|---|---|---|---|---|\n";
    for class in classes.iter().filter(|class| !class.leaks) {
        text += &format!("| {} |", class.name);
        for hours in WINDOWS {
            if let Some(score) = scores.get(&(class.name, hours, 0)) {
                let (end, ever) = (share(score.rate()), share(score.ever()));
                text += &format!(" {end}, {ever}; {:.1} |", score.alarms_in_1000_days());
            }
        }
        text += "\n";
    }
    text
}

/// What the judge said at the end, class by class.
pub(crate) fn words(words: &Words) -> String {
    let mut text = String::from("| class | window | rate | verdicts |\n|---|---|---|---|\n");
    for ((class, hours, rate), said) in words {
        let all: u32 = said.values().sum();
        let part = |(word, times): (&&str, &u32)| {
            let percent = 100.0 * f64::from(*times) / f64::from(all);
            format!("{word} {percent:.0} %")
        };
        let said: Vec<String> = said.iter().map(part).collect();
        text += &format!("| {class} | {hours} h | {rate}/h | {} |\n", said.join(", "));
    }
    text
}

fn leaking_row(view: &View<'_>, class: &Class) -> String {
    let mut row = format!("| {} | {} h |", class.name, view.hours);
    let of = |rate| view.scores.get(&(class.name, view.hours, rate));
    for score in RATES.into_iter().filter_map(of) {
        let after = score
            .median()
            .map(|twelfths| twelfths * view.hours as f64 / 12.0);
        let after = after.map_or(String::new(), |hours| format!(" ({hours:.1} h)"));
        row += &format!(" {}{after} |", share(score.rate()));
    }
    let found = RATES
        .into_iter()
        .filter(|rate| *rate >= FOUND_FROM)
        .filter_map(of);
    let right = precision(mean(found.map(Score::rate)), view.benign(Score::rate));
    row + &format!(" {} |\n", shares(right))
}

/// What a detector said in windows of one length.
struct View<'a> {
    classes: &'a [Class],
    scores: &'a Scores,
    hours: i64,
}

impl View<'_> {
    fn of(&self, leaks: bool, rate: u32) -> impl Iterator<Item = &Score> {
        let classes = self
            .classes
            .iter()
            .filter(move |class| class.leaks == leaks);
        classes.filter_map(move |class| self.scores.get(&(class.name, self.hours, rate)))
    }

    fn recall(&self, rate: u32) -> f64 {
        mean(self.of(true, rate).map(Score::rate))
    }

    fn benign(&self, figure: fn(&Score) -> f64) -> f64 {
        mean(self.of(false, 0).map(figure))
    }

    /// Hours, the mean over classes and rates of the median.
    fn after(&self) -> String {
        let rates = RATES.into_iter().filter(|rate| *rate >= FOUND_FROM);
        let medians = rates.flat_map(|rate| self.of(true, rate).filter_map(Score::median));
        let hours = mean(medians) * self.hours as f64 / 12.0;
        if hours.is_nan() {
            "–".to_owned()
        } else {
            format!("{hours:.1} h")
        }
    }
}

fn share(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else {
        format!("{:.1} %", 100.0 * value)
    }
}

fn shares(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), share)
}
