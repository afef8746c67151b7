//! Function names that stay the same for the same source, whatever Go version built it.

use std::borrow::Cow;

/// The name that counts for identity. Within one build this merges generic instantiations only.
///
/// - type arguments become `[...]`, as `debug=2` prints them;
/// - `glob..func1` (up to Go 1.21) becomes `init.func1` (since 1.22);
/// - `runtime.gopanic` becomes `panic`, as `debug=2` prints it;
/// - `non-Go function at pc=0x…` loses its address.
pub fn normalised(function: &str) -> Cow<'_, str> {
    if function == "runtime.gopanic" {
        return Cow::Borrowed("panic");
    }
    if function.starts_with("non-Go function at pc=") {
        return Cow::Borrowed("non-Go function");
    }
    let mut name = Cow::Borrowed(function);
    if name.contains('[') {
        name = Cow::Owned(without_type_arguments(&name));
    }
    if name.contains(".glob..func") {
        name = Cow::Owned(name.replace(".glob..func", ".init.func"));
    }
    name
}

/// `main.F[go.shape.int,map[string]int].func1` becomes `main.F[...].func1`.
fn without_type_arguments(function: &str) -> String {
    let mut out = String::with_capacity(function.len());
    let mut depth = 0usize;
    for char in function.chars() {
        match char {
            '[' => {
                if depth == 0 {
                    out.push_str("[...]");
                }
                depth += 1;
            }
            ']' if depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(char),
            _ => {}
        }
    }
    out
}
