//! Tests of the effect of each variable and of `--otlp`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use super::endpoint::redacted;
use super::{Credentials, Reading, Settings, read};

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
const OWN: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

fn try_with(configured: Option<&str>, variables: &[(&str, &str)]) -> Result<Reading, (String, String)> {
    read(variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))), configured)
}

fn with(configured: Option<&str>, variables: &[(&str, &str)]) -> Reading {
    try_with(configured, variables).expect("the configured endpoint can be used")
}

/// Resulting endpoint.
fn url(configured: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
    with(configured, variables).spans.map(|(endpoint, _)| endpoint.url.to_string())
}

/// Resulting settings with these variables and [`BASE`], and the number of warnings.
fn settings(variables: &[(&str, &str)]) -> (Settings, usize) {
    let Reading { spans, warnings, .. } = with(None, &[&[BASE], variables].concat());
    (spans.expect("spans are sent").1, warnings.len())
}

#[test]
fn without_configuration_nothing_is_exported_and_nothing_is_said() {
    for variables in [&[][..], &[(OWN, "  ")], &[("HOME", "/root")], &[("OTEL_TRACES_EXPORTER", "none")]] {
        let reading = with(None, variables);
        assert!(reading.spans.is_none() && reading.warnings.is_empty(), "{variables:?}: {:?}", reading.warnings);
    }
}

#[test]
fn base_urls_get_the_path_and_the_signals_own_url_is_taken_as_it_is() {
    for (base, spans) in [
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("http://h:4318/", "http://h:4318/v1/traces"),
        ("http://h:4318//", "http://h:4318/v1/traces"),
        ("http://h/otlp/", "http://h/otlp/v1/traces"),
        ("http://h:4318?k=v", "http://h:4318/v1/traces?k=v"),
        ("http://h/a?k=v&l=/#part", "http://h/a/v1/traces?k=v&l=/"),
        ("HTTP://H:80/", "http://h/v1/traces"),
    ] {
        assert_eq!(url(None, &[(BASE.0, base)]).as_deref(), Some(spans), "{base}");
        assert_eq!(url(Some(base), &[]).as_deref(), Some(spans), "{base}");
    }
    for own in ["http://h/", "http://h/v1/traces/", "http://h/v1/traces?k=v", "http://h/elsewhere"] {
        assert_eq!(url(None, &[BASE, (OWN, own)]).as_deref(), Some(own));
    }
    assert_eq!(url(None, &[(OWN, "http://h")]).as_deref(), Some("http://h/"));
    assert_eq!(url(Some("http://a:1"), &[BASE, (OWN, "http://h")]).as_deref(), Some("http://a:1/v1/traces"));
}

#[test]
fn a_path_that_is_there_already_is_not_given_twice_on_the_command_line_and_is_said_to_be_by_the_variable() {
    for whole in ["http://h:4318/v1/traces", "http://h:4318/v1/traces/", "http://h/otlp/v1/traces?k=v"] {
        let reading = with(Some(whole), &[]);
        let path = reading.spans.map(|(endpoint, _)| endpoint.url.path().matches("v1/traces").count());
        assert_eq!((path, reading.warnings.len()), (Some(1), 0), "{whole}");
        // The specification requires appending it to any path.
        let reading = with(None, &[(BASE.0, whole)]);
        let path = reading.spans.map(|(endpoint, _)| endpoint.url.path().matches("v1/traces").count());
        assert_eq!((path, reading.warnings.len()), (Some(2), 1), "{whole}");
    }
}

#[test]
fn user_and_password_of_a_url_become_credentials_and_are_shown_nowhere() {
    let reading = with(Some("http://me%40x:p%3Aw@h:4318"), &[]);
    let (endpoint, _) = reading.spans.expect("spans are sent");
    assert_eq!(endpoint.url.as_str(), "http://h:4318/v1/traces");
    let expected = Credentials { user: "me@x".to_owned(), password: Some("p:w".to_owned()) };
    assert_eq!(endpoint.credentials, Some(expected));
    assert!(!format!("{endpoint:?}").contains("p:w"));
    // Basic authentication ends a user's name at the first colon.
    let (shown, reason) = try_with(Some("http://a%3Ab:secret@h"), &[]).expect_err("it cannot be sent");
    assert!(shown == "http://..@h" && reason.contains("colon"), "{shown} {reason}");
    let (shown, _) = try_with(Some("ftp://me:secret@h/?x"), &[]).expect_err("it is not HTTP");
    assert_eq!(shown, "ftp://..@h/?x");
    let reading = with(None, &[(OWN, "ftp://me:sec@ret@h/a@b")]);
    assert!(!reading.warnings[0].contains("sec") && !reading.warnings[0].contains("ret@"), "{:?}", reading.warnings);
    assert_eq!(redacted("me:secret@h"), "..@h");
    assert_eq!(redacted("http://h/@"), "http://h/@");
    // The URL's user information is more specific than a list of headers.
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x");
    assert_eq!(with(Some("http://me:secret@h"), &[headers]).warnings.len(), 1);
    assert_eq!(with(Some("http://h"), &[headers]).warnings.len(), 0);
}

#[test]
fn urls_that_cannot_work_are_refused() {
    for url in ["grpc://collector:4317", "collector:4318", "http://", "http://bad host/", "", "/v1/traces"] {
        let (shown, reason) = try_with(Some(url), &[]).expect_err(url);
        assert!(shown == url && !reason.is_empty(), "{url}");
        if !url.is_empty() {
            let reading = with(None, &[(OWN, url)]);
            assert!(reading.spans.is_none() && reading.warnings.len() == 1, "{url}: {:?}", reading.warnings);
            assert!(reading.warnings[0].starts_with(OWN), "{:?}", reading.warnings);
        }
    }
}

#[test]
fn switched_off_is_off_and_a_receiver_that_is_asked_for_nevertheless_is_a_warning() {
    let reading = with(None, &[BASE, ("OTEL_SDK_DISABLED", "True"), ("OTEL_TRACES_SAMPLER", "xray")]);
    assert!(reading.spans.is_none() && reading.warnings.is_empty());
    let reading = with(Some("http://a:1"), &[("OTEL_SDK_DISABLED", "true")]);
    assert!(reading.spans.is_none() && reading.warnings.len() == 1);
    let reading = with(None, &[BASE, ("OTEL_SDK_DISABLED", "false")]);
    assert!(reading.spans.is_some() && reading.warnings.is_empty());
    // Only "true" is true (specification, "Boolean").
    let reading = with(None, &[BASE, ("OTEL_SDK_DISABLED", "yes")]);
    assert!(reading.spans.is_some() && reading.warnings.len() == 1, "{:?}", reading.warnings);
}

#[test]
fn the_exporter_and_its_protocol_are_chosen_by_the_variables_where_the_command_line_says_nothing() {
    assert_eq!(url(None, &[("OTEL_TRACES_EXPORTER", "otlp")]).as_deref(), Some("http://localhost:4318/v1/traces"));
    for (name, value, sent) in [
        ("OTEL_TRACES_EXPORTER", "zipkin", false),
        ("OTEL_TRACES_EXPORTER", "console, OTLP", true),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", false),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", false),
    ] {
        let reading = with(None, &[BASE, (name, value)]);
        assert_eq!(reading.spans.is_some(), sent, "{name}={value}");
        let [warning] = reading.warnings.as_slice() else { panic!("{name}={value}: {:?}", reading.warnings) };
        assert!(warning.starts_with(name), "{warning}");
        let reading = with(Some("http://a:1"), &[(name, value)]);
        assert!(reading.spans.is_some() && reading.warnings.is_empty(), "{name}={value}: {:?}", reading.warnings);
    }
    let own = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "HTTP/protobuf");
    assert!(url(None, &[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), own]).is_some(), "its own goes first");
}

#[test]
fn samplers_are_those_of_the_specification() {
    let sampler = |name: &str, argument: &str| {
        let (settings, warnings) = settings(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        (format!("{:?}", settings.sampler), warnings)
    };
    for (prefix, of_root) in [("", ""), ("parentbased_", "ParentBased(")] {
        let is = |text: &str| if of_root.is_empty() { text.to_owned() } else { format!("{of_root}{text})") };
        assert_eq!(sampler(&[prefix, "always_on"].concat(), ""), (is("AlwaysOn"), 0));
        assert_eq!(sampler(&[prefix, "Always_Off"].concat(), ""), (is("AlwaysOff"), 0));
        let ratio = &[prefix, "traceidratio"].concat();
        assert_eq!(sampler(ratio, "0.25"), (is("TraceIdRatioBased(0.25)"), 0));
        assert_eq!(sampler(ratio, ""), (is("TraceIdRatioBased(1.0)"), 0));
        assert_eq!(sampler(ratio, "7"), (is("TraceIdRatioBased(1.0)"), 1));
        assert_eq!(sampler(ratio, "few"), (is("TraceIdRatioBased(1.0)"), 1));
    }
    assert_eq!(sampler("xray", ""), ("AlwaysOn".to_owned(), 1));
    assert_eq!(sampler("", "0.5"), ("ParentBased(AlwaysOn)".to_owned(), 1), "an argument for nothing");
}

#[test]
fn a_trace_context_of_the_environment_is_the_parent_unless_propagators_do_without() {
    let traceparent = ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let parent = |variables: &[(&str, &str)]| {
        let reading = with(None, &[&[BASE], variables].concat());
        (reading.parent.map(|parent| parent.span_id().to_string()), reading.warnings.len())
    };
    let expected = Some("b7ad6b7169203331".to_owned());
    assert_eq!(parent(&[traceparent, ("TRACESTATE", "a=1")]), (expected.clone(), 0));
    assert_eq!(parent(&[traceparent, ("OTEL_PROPAGATORS", "baggage,TraceContext")]), (expected.clone(), 0));
    assert_eq!(parent(&[traceparent, ("OTEL_PROPAGATORS", "b3,tracecontext")]), (expected, 1));
    assert_eq!(parent(&[traceparent, ("OTEL_PROPAGATORS", "none")]), (None, 0));
    assert_eq!(parent(&[("TRACEPARENT", "00-0-0-01")]), (None, 1));
    // Tools set it for all programs.
    assert_eq!(with(None, &[traceparent]).warnings, [""; 0]);
}

#[test]
fn times_of_zero_are_no_limit_and_the_shorter_limit_counts() {
    let timeout = |variables: &[(&str, &str)]| {
        let (settings, warnings) = settings(variables);
        (settings.timeout, warnings)
    };
    let (own, general) = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(timeout(&[]), (seconds(10), 0));
    assert_eq!(timeout(&[(general, "3000")]), (seconds(3), 0));
    assert_eq!(timeout(&[(general, "3000"), (own, "4000")]), (seconds(4), 0));
    assert_eq!(timeout(&[(general, "0")]), (None, 0));
    assert_eq!(timeout(&[("OTEL_BSP_EXPORT_TIMEOUT", "2000")]), (seconds(2), 0));
    assert_eq!(timeout(&[("OTEL_BSP_EXPORT_TIMEOUT", "0")]), (seconds(10), 0));
    assert_eq!(timeout(&[("OTEL_BSP_EXPORT_TIMEOUT", "60000"), (general, "0")]), (seconds(60), 0));
    assert_eq!(timeout(&[(general, "-1")]), (seconds(10), 1));
    assert_eq!(timeout(&[(general, "2000"), (own, "soon")]), (seconds(2), 1));
}

#[test]
fn numbers_are_taken_where_they_make_sense() {
    let (set, warnings) = settings(&[
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "4"),
    ]);
    assert_eq!((set.queue_size, set.batch_size, warnings), (Some(100), None, 1));
    assert_eq!((set.delay, set.limits.attributes), (Some(Duration::from_millis(250)), Some(4)));
    let (set, warnings) = settings(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "0")]);
    assert_eq!((set.queue_size, warnings), (None, 1));
    assert!(set.delay.is_some_and(|delay| !delay.is_zero()), "the exporter's thread would never sleep");
    let (set, warnings) = settings(&[("OTEL_BSP_MAX_QUEUE_SIZE", "18446744073709551615")]);
    assert_eq!((set.queue_size, warnings), (Some(1 << 16), 1));
}

#[test]
fn compression_is_gzip_or_none_and_a_warning_otherwise() {
    let (own, general) = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION");
    let gzip = |variables: &[(&str, &str)]| {
        let (settings, warnings) = settings(variables);
        (settings.gzip, warnings)
    };
    assert_eq!(gzip(&[(general, "GZIP")]), (true, 0));
    assert_eq!(gzip(&[(general, "gzip"), (own, "none")]), (false, 0));
    assert_eq!(gzip(&[(general, "zstd")]), (false, 1));
    assert_eq!(gzip(&[(general, "yes")]), (false, 1));
}

#[test]
fn headers_that_can_be_sent_are_and_the_others_are_named_by_place_alone() {
    let headers = |list: &str| {
        let Reading { spans, warnings, .. } = with(None, &[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", list)]);
        let headers = spans.expect("spans are sent").1.headers;
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
        headers.sort();
        (headers, warnings)
    };
    let (sent, warnings) = headers("Api-Key=a%20b%3D , authorization=Basic eA==,x=100%,");
    assert_eq!(sent, ["api-key: a b=", "authorization: Basic eA==", "x: 100%"]);
    assert_eq!(warnings, [""; 0]);
    let (sent, warnings) = headers("secret,x y=secret,=secret,k=sec%0Aret,content-length=5,good=1");
    assert_eq!(sent, ["good: 1"]);
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    for (place, warning) in (1..).zip(warnings) {
        assert!(warning.contains(&format!("entry {place} ")) && !warning.contains("ret"), "{warning}");
    }
}

#[test]
fn resource_attributes_are_decoded() {
    let resource = |text: &str| {
        let (settings, warnings) = settings(&[("OTEL_RESOURCE_ATTRIBUTES", text), ("OTEL_SERVICE_NAME", "guests")]);
        let pairs = settings.resource.into_iter().map(|pair| format!("{}={}", pair.key, pair.value));
        (pairs.collect::<Vec<_>>(), warnings)
    };
    let service = "service.name=guests".to_owned();
    assert_eq!(resource(" a=b%20c%2C , d=%C3%A4,"), (vec!["a=b c,".into(), "d=ä".into(), service.clone()], 0));
    for broken in ["a", "a=%2", "a=%zz", "a=%ff", "=a"] {
        assert_eq!(resource(broken), (vec![service.clone()], 1), "{broken}");
    }
}

#[test]
fn a_value_that_is_no_text_is_a_warning() {
    let variable = (OsString::from("OTEL_SERVICE_NAME"), OsString::from_vec(vec![0xff]));
    let reading = read([variable], None).expect("nothing is configured");
    assert!(reading.warnings[0].starts_with("OTEL_SERVICE_NAME"), "{:?}", reading.warnings);
}

#[test]
fn settings_of_spans_are_a_warning_where_spans_go_nowhere() {
    let set = [("OTEL_SERVICE_NAME", "guests"), ("OTEL_TRACES_SAMPLER", "xray")];
    let [warning] = &with(None, &set).warnings[..] else { panic!("one warning") };
    assert!(set.iter().all(|(name, _)| warning.contains(name)), "{warning}");
    let off = [set[0], set[1], ("OTEL_TRACES_EXPORTER", "none")];
    assert_eq!(with(None, &off).warnings, [""; 0]);
}

#[test]
fn certificates_are_read_for_receivers_with_tls_and_what_cannot_be_read_is_a_warning() {
    let base = (BASE.0, "https://collector:4318");
    let (certificate, client) = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (name, file, why) in [
        (certificate, "/nowhere/ca.pem", "cannot be read"),
        (certificate, "/dev/zero", "is no file"),
        (certificate, manifest, "holds no certificate"),
    ] {
        let reading = with(None, &[base, (name, file)]);
        let [warning] = reading.warnings.as_slice() else { panic!("{file}: {:?}", reading.warnings) };
        assert!(reading.spans.is_none() && warning.starts_with(name) && warning.contains(why), "{warning}");
    }
    let root = rcgen::generate_simple_self_signed(["collector".to_owned()]).expect("a certificate");
    let path = std::env::temp_dir().join(format!("riscope-ca-{}.pem", std::process::id()));
    std::fs::write(&path, root.cert.pem()).expect("it can be written");
    let path = path.to_str().expect("UTF-8");
    let reading = with(None, &[base, (certificate, path)]);
    assert!(reading.spans.is_some() && reading.warnings.is_empty(), "{:?}", reading.warnings);
    let reading = with(None, &[base, (certificate, path), (client, path)]);
    assert!(reading.spans.is_none() && reading.warnings[0].contains("no key"), "{:?}", reading.warnings);
    std::fs::remove_file(path).expect("it is there");
}

/// Effect of a variable of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// The value changes what is sent, or how.
    Applied,
    /// riscope does what the value requests anyway.
    Satisfied,
    /// A warning names it.
    Warned,
}

use Effect::{Applied, Satisfied, Warned};

/// The variables of the specification ("Environment Variable Specification" and "OpenTelemetry Protocol Exporter",
/// version 1.57), some of its drafts, and one that is in neither; each with a value that is not the default.
const SPECIFIED: &[(&str, &str, Effect)] = &[
    ("OTEL_SDK_DISABLED", "true", Applied),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=b", Applied),
    ("OTEL_SERVICE_NAME", "guests", Applied),
    ("OTEL_LOG_LEVEL", "debug", Warned),
    ("OTEL_PROPAGATORS", "tracecontext,baggage", Satisfied),
    ("OTEL_PROPAGATORS", "none", Satisfied),
    ("OTEL_PROPAGATORS", "b3", Warned),
    ("OTEL_TRACES_SAMPLER", "always_off", Applied),
    ("OTEL_TRACES_SAMPLER_ARG", "0.5", Warned),
    ("OTEL_BSP_SCHEDULE_DELAY", "100", Applied),
    ("OTEL_BSP_EXPORT_TIMEOUT", "100", Applied),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "100", Applied),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100", Applied),
    ("OTEL_BLRP_SCHEDULE_DELAY", "100", Warned),
    ("OTEL_BLRP_EXPORT_TIMEOUT", "100", Warned),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "100", Warned),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "100", Warned),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100", Applied),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "100", Applied),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100", Applied),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "100", Applied),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "100", Satisfied),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "100", Applied),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "100", Satisfied),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "100", Satisfied),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100", Warned),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "100", Warned),
    ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://h", Warned),
    ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "100", Warned),
    ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "h", Warned),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", "h", Warned),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "100", Warned),
    ("OTEL_TRACES_EXPORTER", "none", Applied),
    ("OTEL_METRICS_EXPORTER", "otlp", Applied),
    ("OTEL_METRICS_EXPORTER", "prometheus", Satisfied),
    ("OTEL_METRICS_EXPORTER", "none", Satisfied),
    ("OTEL_LOGS_EXPORTER", "otlp", Applied),
    ("OTEL_LOGS_EXPORTER", "none", Satisfied),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on", Warned),
    ("OTEL_METRIC_EXPORT_INTERVAL", "100", Warned),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "100", Warned),
    ("OTEL_CONFIG_FILE", "f", Warned),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere", Applied),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere", Applied),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://elsewhere", Applied),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://elsewhere", Applied),
    ("OTEL_EXPORTER_OTLP_INSECURE", "true", Warned),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false", Warned),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "true", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "true", Warned),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "f", Warned),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "f", Warned),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "f", Warned),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=b", Applied),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b", Applied),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b", Warned),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", Applied),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip", Applied),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip", Warned),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "100", Applied),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "100", Applied),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "100", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "100", Warned),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", Satisfied),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", Warned),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", Warned),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc", Warned),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc", Warned),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", Warned),
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram", Warned),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http", Warned),
    ("OTEL_PYTHON_LOG_LEVEL", "debug", Warned),
    ("OTEL_EXPORTER_OTLP_ENDPIONT", "http://h", Warned),
];

/// What is exported, and how, as text.
fn exported(reading: &Reading) -> String {
    format!("{:?} {:?} {:?}", reading.spans, reading.logs, reading.metrics)
}

#[test]
fn every_variable_is_applied_or_named_in_a_warning() {
    let plain = exported(&with(None, &[BASE]));
    for &(name, value, effect) in SPECIFIED {
        let base = if name == BASE.0 { (OWN, "") } else { BASE };
        let reading = with(None, &[base, (name, value)]);
        let is_named = reading.warnings.iter().any(|warning| warning.contains(name));
        let is_applied = exported(&reading) != plain;
        let found = match (is_named, is_applied) {
            (true, _) => Warned,
            (false, true) => Applied,
            (false, false) => Satisfied,
        };
        assert_eq!(found, effect, "{name}={value}: {:?}", reading.warnings);
        assert_eq!(reading.warnings.len(), usize::from(is_named), "{name}={value}: {:?}", reading.warnings);
    }
}

/// Asks for all signals.
const ALL: [(&str, &str); 3] = [BASE, ("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "otlp")];

#[test]
fn variables_of_a_signal_are_applied_where_it_is_sent() {
    let plain = exported(&with(None, &ALL));
    for (name, value) in [
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "100"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "100"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "100"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "100"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "100"),
    ] {
        let reading = with(None, &[&ALL[..], &[(name, value)]].concat());
        assert!(exported(&reading) != plain && reading.warnings.is_empty(), "{name}: {:?}", reading.warnings);
    }
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
    ] {
        assert_eq!(with(None, &[&ALL[..], &[(name, value)]].concat()).warnings, [""; 0], "{name}");
    }
    // What concerns all signals is said once.
    for (name, value) in [("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"), ("OTEL_EXPORTER_OTLP_HEADERS", "x")] {
        assert_eq!(with(None, &[&ALL[..], &[(name, value)]].concat()).warnings.len(), 1, "{name}");
    }
}

#[test]
fn signals_go_to_paths_of_their_own_below_one_receiver_and_only_where_asked_for() {
    let urls = |configured, variables: &[(&str, &str)]| {
        let Reading { spans, logs, metrics, warnings, .. } = with(configured, variables);
        assert_eq!(warnings, [""; 0], "{variables:?}");
        [spans, logs, metrics].map(|signal| signal.map(|(endpoint, _)| endpoint.url.to_string()))
    };
    let all = |base: &str| ["traces", "logs", "metrics"].map(|path| Some(format!("{base}/v1/{path}")));
    assert_eq!(urls(None, &ALL), all("http://collector:4318"));
    assert_eq!(urls(Some("http://a:1"), &ALL), all("http://a:1"));
    assert_eq!(urls(Some("http://a:1/x/v1/traces"), &ALL), all("http://a:1/x"));
    assert_eq!(urls(None, &ALL[1..])[1..], all("http://localhost:4318")[1..]);
    assert_eq!(urls(None, &[BASE])[1..], [None, None]);
    let own = [BASE, ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l/x"), ("OTEL_METRICS_EXPORTER", "none")];
    assert_eq!(urls(None, &own), [Some("http://collector:4318/v1/traces".into()), Some("http://l/x".into()), None]);
    assert_eq!(urls(Some("http://a:1"), &own)[1].as_deref(), Some("http://l/x"), "it is more specific");
    let off = [("OTEL_LOGS_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l/x")];
    assert_eq!(urls(None, &off), [None, None, None]);
    let without_spans = [BASE, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "otlp,prometheus")];
    assert_eq!(urls(None, &without_spans), [None, None, Some("http://collector:4318/v1/metrics".into())]);
    let reading = with(Some("http://a:1"), &[("OTEL_SDK_DISABLED", "true"), ALL[1], ALL[2]]);
    assert!(reading.spans.is_none() && reading.logs.is_none() && reading.metrics.is_none());
    for (name, value) in [("OTEL_LOGS_EXPORTER", "console"), ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json")] {
        let reading = with(None, &[&ALL[..], &[(name, value)]].concat());
        assert!(reading.logs.is_none() && reading.spans.is_some() && reading.metrics.is_some());
        assert_eq!(reading.warnings.len(), 1, "{:?}", reading.warnings);
    }
}

#[test]
fn every_variable_of_the_specification_is_in_the_document() {
    let document = include_str!("../../../OTLP.md");
    let is_named = |name: &str| {
        let words = document.split('`').filter(|word| word.starts_with("OTEL_"));
        words.into_iter().any(|word| word == name || word.strip_suffix('*').is_some_and(|stem| name.starts_with(stem)))
    };
    let missing: Vec<_> = SPECIFIED.iter().map(|(name, ..)| name).filter(|name| !is_named(name)).collect();
    // Names of other languages and misspellings represent all others.
    assert_eq!(missing, [&"OTEL_SEMCONV_STABILITY_OPT_IN", &"OTEL_PYTHON_LOG_LEVEL", &"OTEL_EXPORTER_OTLP_ENDPIONT"]);
}
