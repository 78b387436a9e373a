//! Generator of the tables in `LOGS.md` from the catalogue.

use std::fmt::Write as _;

use super::catalog::{ROWS, Row};

const HEAD: &str = "\
# Log records

What `OTEL_LOGS_EXPORTER=otlp` sends as log records by OTLP. This file is made of the catalogue,
`src/log/catalog.rs`; `BLESS=1 cargo test -p riscope-telemetry --test telemetry logs` writes it.
[OTLP.md](OTLP.md) says where records go, and what becomes of those that do not arrive.

A record has an `event_name`, a severity, the time of the event, a sentence as its body, and, if spans are sent, the
trace and the span of what the machine was doing: `vm.boot` or `vm.run`. Every record has the attribute
`riscope.vm.id`, unless it is an alert about the process, and `riscope.vm.name` once it is known. Of each kind there
are at most so many a second and machine; `riscope_telemetry_log_records_suppressed_total` counts those beyond.

| `event_name` | severity | when | attributes | per second |
|---|---|---|---|---|
";

const TAIL: &str = "
Compilations are [spans](SPANS.md), boot phases as well, and changed code is counted: none of these has records.

## Console lines

`--log-console LEVEL` makes records of lines that the guest writes to its consoles. They are the first 1024 bytes of
the line without control characters.

| level | lines |
|---|---|
| `panic` | kernel panics, oopses, and bugs that the kernel reports |
| `warning` | these, kernel warnings, stalls, out of memory, I/O and file system errors, and messages of severity 0 to 4 if the kernel prints severities |
| `all` | all |

A kernel prints the severity of its messages with `console_msg_format=syslog` on its command line: `<4>[    1.5] text`.
The severity of the record is then that of the message, as OpenTelemetry maps those of syslog. Without it, riscope
knows lines by how they begin: `Kernel panic` is FATAL, `Oops`, `BUG:` and their like ERROR, `WARNING:` and its like
WARN, anything else INFO.
";

/// The text of `LOGS.md`.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for Row { name, severities, when, attributes, per_second } in ROWS {
        let severities: Vec<_> = severities.iter().map(|severity| severity.as_str()).collect();
        let attributes: Vec<_> = attributes.iter().map(|name| format!("`{name}`")).collect();
        let attributes = if attributes.is_empty() { "–".to_owned() } else { attributes.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {} | {when} | {attributes} | {per_second} |", severities.join(", "));
    }
    text.push_str(TAIL);
    text
}
