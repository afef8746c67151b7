//! Whose code a frame is: the program's own, or a library's.

use super::Where;

/// The first elements of the import paths of Go's standard library (`go list std`, Go 1.27).
const STANDARD: [&str; 50] = [
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
];

impl Where {
    /// The import path of the function's package: `net/http` of `net/http.(*conn).serve`.
    pub fn package(&self) -> &str {
        let function = self.function.as_str();
        // Slashes and dots behind the first bracket belong to types.
        let name_ends = function.find(['(', '[']).unwrap_or(function.len());
        let (name, _) = function.split_at(name_ends);
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let dot = name.split_at(last).1.find('.');
        name.split_at(dot.map_or(name.len(), |dot| last + dot)).0
    }

    /// Whether it is code of Go itself or of a dependency, as far as paths tell: what lies in the module cache
    /// (`grpc@v1.85.0`) or is vendored, and the standard library by its names.
    pub fn is_library(&self) -> bool {
        let file = self.file.as_str();
        if file.contains("@v") || file.contains("/vendor/") || file.starts_with("vendor/") {
            return true;
        }
        let package = self.package();
        let first = package.split_once('/').map_or(package, |(first, _)| first);
        matches!(first, "vendor" | "weak") || STANDARD.binary_search(&first).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_of_the_program_or_of_a_library() {
        for (function, file, package, library) in [
            (
                "main.(*server).work.func1",
                "/src/checkout/main.go",
                "main",
                false,
            ),
            (
                "example.com/fleet/retry.Do.func1",
                "/src/retry/retry.go",
                "example.com/fleet/retry",
                false,
            ),
            (
                "search/shard.(*Shard).watch",
                "/src/shard/shard.go",
                "search/shard",
                false,
            ),
            (
                "net/http.(*conn).serve",
                "/usr/local/go/src/net/http/server.go",
                "net/http",
                true,
            ),
            (
                "google.golang.org/grpc.(*Server).Serve",
                "/go/pkg/mod/google.golang.org/grpc@v1.85.0/server.go",
                "google.golang.org/grpc",
                true,
            ),
            (
                "golang.org/x/net/http2.(*Framer).ReadFrame",
                "app/vendor/golang.org/x/net/http2/frame.go",
                "golang.org/x/net/http2",
                true,
            ),
            (
                "iter.Pull[example.com/x/y.T].func1",
                "iter/iter.go",
                "iter",
                true,
            ),
            (
                "gopkg.in/yaml%2ev3.(*parser).parse",
                "/m/gopkg.in/yaml.v3@v3.0.1/decode.go",
                "gopkg.in/yaml%2ev3",
                true,
            ),
            ("", "", "", false),
        ] {
            let site = Where {
                function: function.to_owned(),
                file: file.to_owned(),
                line: 1,
            };
            assert_eq!(
                (site.package(), site.is_library()),
                (package, library),
                "{function}"
            );
        }
        assert!(STANDARD.is_sorted());
    }

    #[test]
    fn a_package_is_what_stands_before_the_name() {
        for (function, name) in [
            (
                "github.com/acme/pay.(*Client).retry.func1",
                "github.com/acme/pay",
            ),
            ("main.main", "main"),
            ("net/http.(*conn).serve", "net/http"),
            ("gopkg.in/yaml%2ev3.F[a/b.T]", "gopkg.in/yaml%2ev3"),
            ("main.(*T).(pkg/path.M)-fm", "main"),
            ("", ""),
        ] {
            let site = Where {
                function: function.to_owned(),
                file: String::new(),
                line: 0,
            };
            assert_eq!(site.package(), name);
        }
    }
}
