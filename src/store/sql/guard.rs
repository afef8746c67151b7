//! What a statement in the shell may do: read, and nothing else.
//!
//! The file is opened read-only in any case. This says so before a statement begins, in a sentence,
//! and also refuses what touches other files or holds the log of the database back.

use rusqlite::hooks::AuthAction;

/// PRAGMAs that tell something and are asked about something.
const TELL_OF: [&str; 10] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// PRAGMAs that tell something when no value is set.
const TELL: [&str; 19] = [
    "application_id",
    "auto_vacuum",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "freelist_count",
    "function_list",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "schema_version",
    "synchronous",
    "user_version",
    "mmap_size",
];

/// Why an action is refused; `None` when it may be done.
pub(super) fn refusal(action: AuthAction<'_>) -> Option<String> {
    let why = match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => return None,
        AuthAction::Function { function_name } => {
            if !function_name.eq_ignore_ascii_case("load_extension") {
                return None;
            }
            "loads no extensions".to_owned()
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => {
            let name = pragma_name.to_ascii_lowercase();
            let tells = TELL.contains(&&*name) && pragma_value.is_none();
            if tells || TELL_OF.contains(&&*name) {
                return None;
            }
            format!("only takes PRAGMAs that change nothing, and `{name}` is not known as one")
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            "reads one database: none is attached, and nothing is copied out of it by SQL"
                .to_owned()
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            "has no transactions: each statement sees one moment, and all that are given as one \
             argument see the same"
                .to_owned()
        }
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => {
            // A change of the schema is a change of its table, which would not tell anyone.
            if table_name.starts_with("sqlite_") {
                "only reads: nothing is made, changed or dropped".to_owned()
            } else {
                format!("only reads: `{table_name}` is not changed")
            }
        }
        _ => "only reads: nothing is made, changed or dropped".to_owned(),
    };
    Some(format!("goroscope sql {why}"))
}
