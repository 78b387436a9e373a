//! Tests of OTLP endpoints: configured by option or environment, refusing, hanging, absent.

use std::process::Command;
use std::time::{Duration, Instant};

use riscope_core::event::{DomainEventBus, ExitReason, VmId};
use riscope_telemetry::{SHUTDOWN_LIMIT, Telemetry, TelemetryConfig, TelemetryError};

use crate::fixture::{Fixture, Happening, PATIENCE, created, exited};
use crate::receiver::{Manner, Receiver, Request, attribute};

/// Tolerance of the shutdown time on a host that is busy with other tests; shorter than the
/// exports that these tests delay.
const BUSY_HOST: Duration = Duration::from_secs(20);

fn lives(machines: std::ops::Range<u128>) -> impl Iterator<Item = Happening> {
    machines
        .flat_map(|vm| [created(VmId::from_u128(vm), "guest"), exited(VmId::from_u128(vm), ExitReason::Poweroff, 0)])
}

/// Shuts down within the time limit.
fn shut_down(fixture: &Fixture) -> bool {
    let start = Instant::now();
    let finished = fixture.telemetry.shutdown(Duration::from_secs(3600));
    assert!(start.elapsed() < SHUTDOWN_LIMIT + BUSY_HOST, "{:?}", start.elapsed());
    finished
}

fn exported(fixture: &Fixture, error_type: &str) -> f64 {
    let scrape = fixture.scrape();
    scrape.value("otel_sdk_exporter_span_exported_total", &[("error_type", error_type)]).expect("a series")
}

/// Spans dropped because of a full queue.
fn dropped(fixture: &Fixture) -> f64 {
    let scrape = fixture.scrape();
    scrape.value("otel_sdk_processor_span_processed_total", &[("error_type", "queue_full")]).expect("a series")
}

#[test]
fn requests_are_what_the_specification_says() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = Fixture::new(receiver.config());
    fixture.publish(lives(0..3));
    assert!(shut_down(&fixture));
    let requests = receiver.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(request.head[0], "POST /v1/traces HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        for resource in &request.traces().resource_spans {
            let attributes = &resource.resource.as_ref().expect("a resource").attributes;
            let value = |name| attribute(attributes, name);
            assert_eq!(value("service.name").as_deref(), Some("riscope"));
            assert_eq!(value("service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
            assert_eq!(value("process.pid"), Some(std::process::id().to_string()));
            assert_eq!(value("telemetry.sdk.name").as_deref(), Some("opentelemetry"));
            let hyphens = |id: String| id.match_indices('-').map(|(index, _)| index).collect::<Vec<_>>();
            assert_eq!(value("service.instance.id").map(hyphens), Some(vec![8, 13, 18, 23]), "it is a UUID");
            for scope in &resource.scope_spans {
                assert_eq!(scope.scope.as_ref().expect("a scope").name, "riscope");
            }
        }
    }
    assert_eq!(receiver.spans().len(), 3);
}

#[test]
fn an_endpoint_that_hangs_costs_spans_and_nothing_else() {
    let receiver = Receiver::start(Manner::Hang);
    let capacity = 4;
    let fixture = Fixture::new(TelemetryConfig {
        span_queue_capacity: capacity,
        span_delay: Duration::from_millis(1),
        export_timeout: Some(Duration::from_secs(3600)),
        ..receiver.config()
    });
    fixture.publish(lives(0..1));
    receiver.wait_for_request();
    // Events are handled while the exporter hangs.
    fixture.publish(lives(1..101));
    assert_eq!(fixture.scrape().sum("riscope_vm_exits_total", &[("reason", "poweroff")]), 101.0);
    assert_eq!(fixture.scrape().sum("riscope_event_bus_dropped_total", &[]), 0.0);
    assert_eq!(dropped(&fixture), 97.0, "four are on their way");
    shut_down(&fixture);
    assert_eq!(exported(&fixture, ""), 0.0);
}

#[test]
fn what_was_sent_makes_room_in_the_queue() {
    let receiver = Receiver::start(Manner::Accept);
    let span_delay = Duration::from_millis(1);
    let fixture = Fixture::new(TelemetryConfig { span_queue_capacity: 3, span_delay, ..receiver.config() });
    for round in 0..3 {
        let (first, behind) = (round * 3, round * 3 + 3);
        fixture.publish(lives(first..behind));
        let start = Instant::now();
        while exported(&fixture, "") < f64::from(u32::try_from(behind).expect("few")) {
            assert!(start.elapsed() < PATIENCE, "round {round} is not exported");
            std::thread::sleep(span_delay);
        }
    }
    assert_eq!(dropped(&fixture), 0.0);
    assert_eq!(receiver.spans().len(), 9);
}

#[test]
fn urls_that_cannot_work_are_refused_at_the_start() {
    for url in ["grpc://127.0.0.1:4317", "127.0.0.1:4318", "http://"] {
        let config = TelemetryConfig { otlp_endpoint: Some(url.to_owned()), ..TelemetryConfig::default() };
        let error = Telemetry::start(&DomainEventBus::new(), config).expect_err(url);
        assert!(matches!(&error, TelemetryError::Endpoint { .. }) && error.to_string().contains(url), "{error}");
    }
}

/// Set in child processes of the tests: the expected number of warnings.
const CHILD: &str = "RISCOPE_TEST_ENDPOINT_CHILD";

/// Whether this is the child process of a test, whose part then runs.
fn is_child() -> bool {
    let Ok(warnings) = std::env::var(CHILD) else { return false };
    let fixture = Fixture::in_environment(TelemetryConfig::default());
    assert_eq!(fixture.telemetry.warnings().len().to_string(), warnings, "{:?}", fixture.telemetry.warnings());
    fixture.publish(lives(0..6));
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    true
}

/// Runs `test` in a child process, with these variables and those that name `receiver`;
/// returns the requests.
fn run(test: &str, receiver: &Receiver, warnings: u32, variables: &[(&str, &str)]) -> Vec<Request> {
    let mut child = Command::new(std::env::current_exe().expect("the test's own path"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_")
            || name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy")
        {
            child.env_remove(name);
        }
    }
    child.args(["--exact", test]).env(CHILD, warnings.to_string());
    child.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    child.envs(variables.iter().copied());
    let output = child.output().expect("the child runs");
    assert!(output.status.success(), "{variables:?}: {}", String::from_utf8_lossy(&output.stdout));
    receiver.requests()
}

/// Number of spans in requests.
fn number(requests: &[Request]) -> usize {
    let resources = requests.iter().flat_map(|request| &request.traces().resource_spans);
    resources.flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).sum()
}

#[test]
fn the_environment_configures_spans() {
    if is_child() {
        return;
    }
    let run = |variables: &[(&str, &str)]| {
        run("endpoint::the_environment_configures_spans", &Receiver::start(Manner::Accept), 0, variables)
    };
    let requests = run(&[
        ("OTEL_SERVICE_NAME", "guests"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a%20test,host.name=elsewhere"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret"),
    ]);
    assert_eq!((requests.len(), number(&requests)), (1, 6));
    let resource = requests[0].traces().resource_spans[0].resource.as_ref().expect("a resource");
    let value = |name| attribute(&resource.attributes, name);
    assert_eq!(value("service.name").as_deref(), Some("guests"));
    assert_eq!(value("deployment.environment.name").as_deref(), Some("a test"));
    assert_eq!(value("host.name").as_deref(), Some("elsewhere"));
    assert_eq!(requests[0].header("authorization"), Some("secret"));
    let proxy = [("http_proxy", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    assert_eq!(number(&run(&proxy)), 6, "the way to this host has no proxy");
    for (name, value) in [("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "GZip")]
    {
        let compressed = run(&[(name, value)]);
        assert_eq!((compressed[0].header("content-encoding"), number(&compressed)), (Some("gzip"), 6), "{name}");
    }
    for (name, value) in [("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_EXPORT_TIMEOUT", "0")] {
        assert_eq!(number(&run(&[(name, value)])), 6, "{name}={value} is no limit");
    }
    let short = run(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2")]);
    for span in short[0].traces().resource_spans.iter().flat_map(|it| &it.scope_spans).flat_map(|it| &it.spans) {
        assert_eq!((span.attributes.len(), span.dropped_attributes_count > 0), (2, true), "{span:?}");
        assert_eq!(attribute(&span.attributes, "riscope.vm.name").as_deref(), Some("gue"), "{span:?}");
    }
    let batches = run(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")]);
    assert!(batches.len() >= 3 && number(&batches) == 6, "{} requests", batches.len());
}

#[test]
fn the_environment_switches_spans_off() {
    if is_child() {
        return;
    }
    let run = |variable: (&str, &str)| {
        let receiver = Receiver::start(Manner::Accept);
        number(&run("endpoint::the_environment_switches_spans_off", &receiver, 0, &[variable]))
    };
    assert_eq!(run(("OTEL_SDK_DISABLED", "true")), 0);
    assert_eq!(run(("OTEL_TRACES_EXPORTER", "none")), 0);
    assert_eq!(run(("OTEL_TRACES_SAMPLER", "always_off")), 0);
    assert_eq!(run(("OTEL_TRACES_SAMPLER", "parentbased_always_off")), 0);
    assert_eq!(run(("OTEL_TRACES_SAMPLER", "parentbased_always_on")), 6);
}

#[test]
fn what_the_environment_asks_for_in_vain_is_a_warning() {
    if is_child() {
        return;
    }
    let run = |variable: (&str, &str)| {
        let receiver = Receiver::start(Manner::Accept);
        number(&run("endpoint::what_the_environment_asks_for_in_vain_is_a_warning", &receiver, 1, &[variable]))
    };
    assert_eq!(run(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://127.0.0.1:1/v1/traces")), 0);
    assert_eq!(run(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector")), 0);
    assert_eq!(run(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")), 0);
    assert_eq!(run(("OTEL_TRACES_EXPORTER", "console")), 0);
    assert_eq!(run(("OTEL_TRACES_SAMPLER", "xray")), 6);
    assert_eq!(run(("OTEL_BSP_SCHEDULE_DELAY", "soon")), 6);
    assert_eq!(run(("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")), 6);
    assert_eq!(run(("OTEL_SDK_DISABLED", "yes")), 6);
    assert_eq!(run(("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli")), 6);
    assert_eq!(run(("OTEL_EXPORTER_OTLP_HEADERS", "secret,good=1")), 6);
    assert_eq!(run(("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000")), 6);
    assert_eq!(run(("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ssl/ca.pem")), 6);
    assert_eq!(run(("OTEL_BSP_MAX_QUEUE_SIZE", "18446744073709551615")), 6);
}
