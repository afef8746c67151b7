//! What every answer can be made into: a page for people, rows for programs.

use serde::Serialize;
use serde_json::{Number, Value};

use super::escape::{escape_csv, escape_json};
use super::{Draw, Page};

/// An answer of one question. As JSON it is whole, by the contract.
pub trait Answer: Serialize {
    /// The columns of CSV: where in a record each value is, such as `first_seen.at`. They are added, never
    /// renamed or moved.
    const COLUMNS: &'static [&'static str];

    /// For people.
    fn page(&self, draw: Draw) -> Page;

    /// One an object of NDJSON, as they stand in the JSON.
    fn rows(&self) -> impl Iterator<Item = impl Serialize>;

    /// One a line of CSV.
    fn records(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows()
    }

    /// What a reader of rows alone must know, a line each: nothing was polled, not all is shown.
    fn remarks(&self, draw: Draw) -> String;
}

/// One JSON object a line.
pub fn ndjson(answer: &impl Answer) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for row in answer.rows() {
        text += &escape_json(&serde_json::to_string(&row)?);
        text.push('\n');
    }
    Ok(text)
}

/// RFC 4180, with a line of names first. Numbers are plain, of six decimals at most, and times in UTC; a list or a
/// map is JSON in its field.
pub fn csv<A: Answer>(answer: &A) -> Result<String, serde_json::Error> {
    let names: Vec<String> = A::COLUMNS
        .iter()
        .map(|path| path.replace('.', "_"))
        .collect();
    let mut text = names.join(",") + "\r\n";
    for record in answer.records() {
        let record = serde_json::to_value(&record)?;
        let fields = A::COLUMNS.iter().map(|path| field(at(&record, path)));
        text += &(fields.collect::<Vec<_>>().join(",") + "\r\n");
    }
    Ok(text)
}

/// The value at a path.
fn at<'v>(record: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(record, |value, key| value.get(key))
}

fn field(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => escape_csv(&super::escape(text)),
        Some(Value::Number(number)) => rounded(number).to_string(),
        Some(Value::Bool(is)) => is.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => {
            let json = value.map_or_else(String::new, Value::to_string);
            escape_csv(&escape_json(&json))
        }
    }
}

/// A number with six decimals at most: what a double has behind them is not known so well.
fn rounded(number: &Number) -> Number {
    const MILLIONTHS: f64 = 1e6;
    let rounded = number
        .as_f64()
        .filter(|_| number.is_f64())
        .and_then(|double| Number::from_f64((double * MILLIONTHS).round() / MILLIONTHS));
    rounded.unwrap_or_else(|| number.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_csv_have_six_decimals_at_most() {
        for (number, written) in [
            ("0.30000000000000004", "0.3"),
            ("60.00000000000001", "60.0"),
            ("-42.02975136733502", "-42.029751"),
            ("180.0", "180.0"),
            ("0.00000012", "0.0"),
            ("1.5e300", "1.5e+300"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let value: Value = serde_json::from_str(number).unwrap();
            assert_eq!(field(Some(&value)), written);
        }
    }
}
