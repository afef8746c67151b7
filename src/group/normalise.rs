//! Function names that stay the same for the same source, whatever Go version built it.
//!
//! Mirrors how `closureName` in `cmd/compile/internal/ir/func.go` makes names, and how
//! `funcNamePiecesForPrint` in `runtime/traceback.go` shortens them. What one source is called in
//! Go 1.21 to 1.27 is in `docs/NAMES.md`, measured; why each rule is safe in `docs/SIGNATURE.md`.
//!
//! Within one build this merges generic instantiations, and copies of one closure, only.

use std::borrow::Cow;

use crate::model::Frame;

/// `runtime.gopark` parks at line 462 of `proc.go` in Go 1.26 and at 474 in 1.27.
const LAST_PARK_LINE_1_26: u32 = 468;

/// Frames rootward of a closure among which the function is looked for that it was inlined with.
const NEAR: usize = 64;

/// The names that count for identity, of the frames at `identifying`, leaf first.
pub(super) fn normalised<'a>(frames: &'a [Frame], identifying: &[usize]) -> Vec<Cow<'a, str>> {
    let parks = frames
        .iter()
        .find(|frame| &*frame.function == "runtime.gopark");
    let generic_methods = parks.is_some_and(|parks| parks.line > LAST_PARK_LINE_1_26);
    let name = |at: &usize| {
        let function = &*frames.get(*at)?.function;
        // Whatever a compiler adds to a name has a number or a bracket in it.
        if !function
            .bytes()
            .any(|byte| byte == b'[' || byte.is_ascii_digit())
        {
            return Some(alone(function, generic_methods));
        }
        let name = alone(function, generic_methods);
        let near = frames.iter().skip(at + 1).take(NEAR);
        let near = near.map(|frame| alone(&frame.function, generic_methods));
        let name = from_wrapper(&name, near).map_or(name, Cow::Owned);
        Some(renumbered(&name).map_or(name, Cow::Owned))
    };
    identifying.iter().filter_map(name).collect()
}

/// What one name tells without the others.
fn alone(function: &str, generic_methods: bool) -> Cow<'_, str> {
    if function == "runtime.gopanic" {
        return Cow::Borrowed("panic");
    }
    if function.starts_with("non-Go function at pc=") {
        return Cow::Borrowed("non-Go function");
    }
    let mut name = Cow::Borrowed(function);
    if let Some(short) = without_type_arguments(function, generic_methods) {
        name = Cow::Owned(short);
    }
    if name.contains(".glob..func") {
        name = Cow::Owned(name.replace(".glob..func", ".init.func"));
    }
    if let Some(method) = from_method_wrapper(&name) {
        name = Cow::Owned(method);
    }
    name
}

/// `main.F[go.shape.int].G[int].func1` becomes `main.F[...].func1`, from the first bracket to the
/// last, as Go prints it up to 1.26. Generic methods, which are new in 1.27, keep both:
/// `main.(*Box[...]).Map[...]`.
fn without_type_arguments(function: &str, generic_methods: bool) -> Option<String> {
    let (head, rest) = function.split_once('[')?;
    let (inside, tail) = rest.rsplit_once(']')?;
    if let Some((receiver, between)) = two_groups(inside) {
        let method = between.strip_prefix(").").is_some_and(is_identifier);
        // Text that has both groups is of 1.27: before, it was shortened to one.
        if method || generic_methods || receiver == "..." {
            return Some(format!("{head}[...]{between}[...]{tail}"));
        }
    }
    Some(format!("{head}[...]{tail}"))
}

/// Of `A]between[B`, what was between a first and the last bracket: `A` and `between`.
fn two_groups(inside: &str) -> Option<(&str, &str)> {
    let mut depth = 1usize;
    let mut closed = None;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'[' if depth == 0 => {
                let closed = closed?;
                return Some((inside.get(..closed)?, inside.get(closed + 1..at)?));
            }
            b'[' => depth += 1,
            b']' => {
                depth = depth.checked_sub(1)?;
                closed = Some(at);
            }
            _ => {}
        }
    }
    None
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The package of a name, and what stands behind its dot. Type arguments must be gone.
fn split_package(name: &str) -> Option<(&str, &str)> {
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path + name.get(path..)?.find('.')?;
    Some((name.get(..dot)?, name.get(dot + 1..)?))
}

/// Splits at dots, but for those of `[...]`.
fn parts(local: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    local.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '.' && depth == 0
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `func1`, `1`: the number of a closure in what it is written in.
fn closure_number(part: &str) -> Option<&str> {
    let digits = part.strip_prefix("func").unwrap_or(part);
    let number = digits.split_once("-range").map_or(digits, |(n, _)| n);
    is_digits(number).then_some(digits)
}

/// `gowrap1`, `deferwrap1`: the function that the compiler makes of `go f(x)` and `defer f(x)`.
fn is_statement_wrapper(part: &str) -> bool {
    let number = part.strip_prefix("gowrap");
    number
        .or_else(|| part.strip_prefix("deferwrap"))
        .is_some_and(is_digits)
}

fn is_closure_path(path: &str) -> bool {
    path.split('.').all(|part| closure_number(part).is_some())
}

/// A closure of a method that was inlined into a wrapper of it, up to Go 1.26: `(*T).M-fm.(*T).M.1`
/// and `(*T).M.T.M.1` are `(*T).M.1` and `T.M.1`. `T.M` and `(*T).M` cannot both be declared, so the
/// outer one is the compiler's.
fn from_method_wrapper(name: &str) -> Option<String> {
    let (package, local) = split_package(name)?;
    let mut parts = parts(local);
    let (wrapper, wrapped) = (parts.next()?, parts.next()?);
    let (receiver, method) = (parts.next()?, parts.next()?);
    let value = wrapped.strip_suffix("-fm");
    let is_wrapper = match value {
        Some(wrapped) => wrapped == method && wrapper == receiver,
        None => wrapped == method && is_pointer_to(wrapper, receiver),
    };
    let outer = wrapper.len() + wrapped.len() + 2;
    let inner = local.get(outer..)?;
    let path = inner.get(receiver.len() + method.len() + 2..)?;
    (is_wrapper && is_closure_path(path)).then(|| format!("{package}.{inner}"))
}

fn is_pointer_to(pointer: &str, base: &str) -> bool {
    let inner = pointer.strip_prefix("(*");
    inner.and_then(|p| p.strip_suffix(')')) == Some(base)
}

/// A closure of a function that was inlined into the wrapper of a go or defer statement, in Go 1.22
/// to 1.26: `main.start.gowrap1.serve.2` is closure 2 of `serve`. Only where `serve` is on the stack,
/// nearer the root: that gives its package, and tells it from a method of the same look.
fn from_wrapper<'a>(
    name: &str,
    mut rootward: impl Iterator<Item = Cow<'a, str>>,
) -> Option<String> {
    let (_, local) = split_package(name)?;
    let mut begins = 0;
    let mut inlined = None;
    for part in parts(local) {
        begins += part.len() + 1;
        if is_statement_wrapper(part) {
            inlined = local.get(begins..);
        }
    }
    let inlined = inlined?;
    rootward.find_map(|frame| {
        let (_, function) = split_package(&frame)?;
        let path = inlined.strip_prefix(function)?.strip_prefix('.')?;
        is_closure_path(path).then(|| format!("{frame}.{path}"))
    })
}

/// The first of a run of closure numbers as `funcN`, those in it as `N`: both are one counter, and
/// which is printed only tells whether the function around is a closure itself. `init.0` and
/// `map.init.0` are functions.
fn renumbered(name: &str) -> Option<String> {
    let (package, local) = split_package(name)?;
    let mut out = String::with_capacity(name.len() + 4);
    out.push_str(package);
    let mut in_closure = false;
    for part in parts(local) {
        out.push('.');
        let initializer = matches!(out.strip_prefix(package), Some(".init." | ".map.init."));
        match closure_number(part) {
            Some(_) if initializer && is_digits(part) => in_closure = false,
            Some(number) => {
                out.push_str(if in_closure { "" } else { "func" });
                out.push_str(number);
                in_closure = true;
                continue;
            }
            None => in_closure = is_statement_wrapper(part) || is_range_body(part),
        }
        out.push_str(part);
    }
    (out != name).then_some(out)
}

/// `F-range1`: the body of a loop over a function.
fn is_range_body(part: &str) -> bool {
    part.rsplit_once("-range")
        .is_some_and(|(_, n)| is_digits(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `T[x].M[y]` is a method of Go 1.27 and an inlined function before.
    #[test]
    fn the_go_version_tells_a_generic_method() {
        let frame = |function: &str, line| Frame {
            function: function.into(),
            file: "/go/src/runtime/proc.go".into(),
            line,
        };
        let name = |park: u32| {
            let stack = [
                frame("runtime.gopark", park),
                frame("main.T[int].M[string].func1", 9),
            ];
            normalised(&stack, &[1]).pop().map(Cow::into_owned)
        };
        let method = Some("main.T[...].M[...].func1".to_owned());
        assert_eq!(name(474), method);
        assert_eq!(name(462), Some("main.T[...].func1".to_owned()));
    }
}
