//! Which errors mean that a part of the file cannot be read: the rest may well be.

use rusqlite::{Error, ErrorCode};

/// `SQLITE_IOERR_READ`, `…_SHORT_READ` and `…_CORRUPTFS`: the medium gives nothing. Errors of writing
/// are another matter.
const UNREADABLE: [i32; 3] = [266, 522, 8458];

/// Whether a page or a value is damaged, rather than the question wrong or the file busy.
pub(super) fn is_damage(error: &Error) -> bool {
    let of_page = error.sqlite_error().is_some_and(|error| {
        matches!(
            error.code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
        ) || UNREADABLE.contains(&error.extended_code)
    });
    // Values of the wrong type: the tables are strict, so nobody has written them.
    let of_value = matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    );
    of_page || of_value
}

/// What was read; `None` where it is damaged.
pub(super) fn unless_damaged<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
