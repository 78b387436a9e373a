//! What OpenTelemetry's variables ask for (specification, "Environment Variable
//! Specification" and "OpenTelemetry Protocol Exporter").
//!
//! They are often set for a whole host and not for riscope, so nothing here is fatal:
//! what cannot be obeyed becomes a warning. `SPANS.md` lists which variables count.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::Sampler;

/// Path of the receiver for spans below its base URL (OTLP specification, "OTLP/HTTP
/// Request").
const PATH: &str = "/v1/traces";
/// Time that an export may take where nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most spans that may wait to be sent: some tens of megabytes.
const MAX_QUEUE: usize = 1 << 16;

/// Where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// The variable that says so; none if the configuration does.
    pub(crate) variable: Option<&'static str>,
}

/// Variables, and what is wrong with them.
pub(crate) struct Environment<F> {
    variable: F,
    pub(crate) warnings: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    /// `variable` gives the value of a variable.
    pub(crate) fn new(variable: F) -> Self {
        Self { variable, warnings: Vec::new() }
    }

    /// The value of a variable; an empty one counts as unset.
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn warn(&mut self, variable: &str, problem: &str) {
        self.warnings.push(format!("{variable}: {problem}"));
    }

    /// A number; one that cannot be understood is as good as none.
    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.get(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.warn(name, &format!("{text:?} is no number and is ignored"));
        }
        number
    }

    fn milliseconds(&mut self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    /// Where spans go: the configured base URL, or what the variables say.
    pub(crate) fn endpoint(&mut self, configured: Option<&str>) -> Option<Endpoint> {
        let below = |base: &str| format!("{}{PATH}", base.trim_end_matches('/'));
        if self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        if let Some(base) = configured {
            let url = if base.ends_with(PATH) { base.to_owned() } else { below(base) };
            return Some(Endpoint { url, variable: None });
        }
        let (own, base) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
        let endpoint = match self.get(own) {
            Some(url) => Endpoint { url, variable: Some(own) },
            None => Endpoint { url: below(&self.get(base)?), variable: Some(base) },
        };
        (self.wants_otlp() && self.wants_protobuf_over_http()).then_some(endpoint)
    }

    /// Whether spans are to go by OTLP, which is the default.
    fn wants_otlp(&mut self) -> bool {
        let name = "OTEL_TRACES_EXPORTER";
        let Some(exporters) = self.get(name) else { return true };
        let wanted = exporters.split(',').any(|exporter| exporter.trim() == "otlp");
        if !wanted && exporters != "none" {
            self.warn(name, &format!("there is no exporter {exporters:?}, only otlp; no spans are sent"));
        }
        wanted
    }

    /// Whether the receiver speaks what is spoken here.
    fn wants_protobuf_over_http(&mut self) -> bool {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        let Some((name, protocol)) = names.iter().find_map(|name| Some((*name, self.get(name)?))) else { return true };
        if protocol == "http/protobuf" {
            return true;
        }
        self.warn(name, &format!("{protocol:?} is not spoken, only http/protobuf; no spans are sent"));
        false
    }

    /// Which traces are sent. A machine's trace begins here, so that the samplers which
    /// ask for a parent's decision are those for traces without one.
    pub(crate) fn sampler(&mut self) -> Sampler {
        let name = "OTEL_TRACES_SAMPLER";
        let Some(sampler) = self.get(name) else { return Sampler::AlwaysOn };
        match sampler.strip_prefix("parentbased_").unwrap_or(&sampler) {
            "always_on" => Sampler::AlwaysOn,
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatioBased(self.ratio()),
            _ => {
                self.warn(name, &format!("there is no sampler {sampler:?}; every trace is sent"));
                Sampler::AlwaysOn
            }
        }
    }

    fn ratio(&mut self) -> f64 {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let ratio = self.number(name).unwrap_or(1.0);
        if (0.0..=1.0).contains(&ratio) {
            return ratio;
        }
        self.warn(name, &format!("{ratio} is not between 0 and 1; every trace is sent"));
        1.0
    }

    /// Spans that may wait to be sent, at most [`MAX_QUEUE`]: the SDK sets all the memory
    /// for them aside at once.
    pub(crate) fn queue_size(&mut self) -> Option<usize> {
        let name = "OTEL_BSP_MAX_QUEUE_SIZE";
        let size: usize = self.number(name)?;
        if size > MAX_QUEUE {
            self.warn(name, &format!("{size} is more than {MAX_QUEUE}, which is taken"));
        }
        Some(size.min(MAX_QUEUE))
    }

    /// Spans that are sent at once.
    pub(crate) fn batch_size(&mut self) -> Option<usize> {
        self.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
    }

    /// Time that spans wait for others to be sent with.
    pub(crate) fn delay(&mut self) -> Option<Duration> {
        self.milliseconds("OTEL_BSP_SCHEDULE_DELAY")
    }

    /// Time that an export may take.
    pub(crate) fn timeout(&mut self) -> Duration {
        let own = self.milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT");
        own.or_else(|| self.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT")).unwrap_or(TIMEOUT)
    }

    /// What is said about the process.
    pub(crate) fn resource(&mut self) -> Vec<KeyValue> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let text = self.get(name).unwrap_or_default();
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
        let attributes: Option<Vec<_>> = pairs
            .map(|pair| {
                let (key, value) = pair.split_once('=')?;
                Some(KeyValue::new(percent_decoded(key.trim())?, percent_decoded(value.trim())?))
            })
            .collect();
        if attributes.is_none() {
            self.warn(name, "it is no list of key=value with commas, and is ignored");
        }
        let service = self.get("OTEL_SERVICE_NAME").map(|service| KeyValue::new("service.name", service));
        attributes.unwrap_or_default().into_iter().chain(service).collect()
    }
}

/// Text with the bytes that `%XX` stands for; none if that is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digit = |index: usize| char::from(*behind.get(index)?).to_digit(16);
        if first == b'%' {
            bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The environment with these variables.
    fn with(variables: &[(&str, &str)]) -> Environment<impl Fn(&str) -> Option<String> + use<>> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Environment::new(move |name| {
            variables.iter().find(|(variable, _)| variable == name).map(|(_, value)| value.clone())
        })
    }

    fn url(configured: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        with(variables).endpoint(configured).map(|endpoint| endpoint.url)
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn without_configuration_nothing_is_exported() {
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")]), None);
    }

    #[test]
    fn base_urls_get_the_path_and_the_signals_own_url_is_taken_as_it_is() {
        assert_eq!(url(None, &[BASE]).as_deref(), Some("http://collector:4318/v1/traces"));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:80/here");
        assert_eq!(url(None, &[BASE, own]).as_deref(), Some("http://traces:80/here"));
        assert_eq!(url(Some("http://a:1"), &[BASE, own]).as_deref(), Some("http://a:1/v1/traces"));
        assert_eq!(url(Some("http://a:1/v1/traces"), &[]).as_deref(), Some("http://a:1/v1/traces"));
        assert_eq!(with(&[BASE]).endpoint(None).and_then(|it| it.variable), Some(BASE.0));
        assert_eq!(with(&[BASE]).endpoint(Some("http://a:1")).and_then(|it| it.variable), None);
    }

    #[test]
    fn switched_off_is_off_without_a_warning() {
        assert_eq!(url(Some("http://a:1"), &[("OTEL_SDK_DISABLED", "True")]), None);
        assert!(url(None, &[BASE, ("OTEL_SDK_DISABLED", "false")]).is_some());
        let mut off = with(&[BASE, ("OTEL_TRACES_EXPORTER", "none")]);
        assert_eq!((off.endpoint(None), off.warnings.len()), (None, 0));
    }

    #[test]
    fn what_is_not_spoken_here_is_a_warning_and_no_spans() {
        for variable in [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ] {
            let mut environment = with(&[BASE, variable]);
            assert_eq!(environment.endpoint(None), None, "{variable:?}");
            let [warning] = environment.warnings.as_slice() else { panic!("{variable:?} is one warning") };
            assert!(warning.starts_with(variable.0) && warning.contains(variable.1), "{warning}");
            // Whoever says where spans go has said how.
            let mut environment = with(&[variable]);
            assert!(environment.endpoint(Some("http://a:1")).is_some() && environment.warnings.is_empty());
        }
        assert!(url(None, &[BASE, ("OTEL_TRACES_EXPORTER", "console, otlp")]).is_some());
        let own = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        assert!(url(None, &[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), own]).is_some(), "its own goes first");
    }

    #[test]
    fn samplers_are_those_of_the_specification() {
        let sampler = |name: &str, argument: &str| {
            let mut environment = with(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
            (format!("{:?}", environment.sampler()), environment.warnings.len())
        };
        let always = "AlwaysOn".to_owned();
        assert_eq!(format!("{:?}", with(&[]).sampler()), always);
        for prefix in ["", "parentbased_"] {
            assert_eq!(sampler(&[prefix, "always_on"].concat(), ""), (always.clone(), 0));
            assert_eq!(sampler(&[prefix, "always_off"].concat(), ""), ("AlwaysOff".to_owned(), 0));
            let ratio = &[prefix, "traceidratio"].concat();
            assert_eq!(sampler(ratio, "0.25"), ("TraceIdRatioBased(0.25)".to_owned(), 0));
            assert_eq!(sampler(ratio, ""), ("TraceIdRatioBased(1.0)".to_owned(), 0));
            assert_eq!(sampler(ratio, "7"), ("TraceIdRatioBased(1.0)".to_owned(), 1));
            assert_eq!(sampler(ratio, "few"), ("TraceIdRatioBased(1.0)".to_owned(), 1));
        }
        assert_eq!(sampler("xray", ""), (always, 1));
    }

    #[test]
    fn numbers_are_taken_where_they_are_numbers() {
        let mut set = with(&[
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"),
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ]);
        assert_eq!((set.queue_size(), set.batch_size()), (Some(100), None));
        assert_eq!((set.delay(), set.timeout()), (Some(Duration::from_millis(250)), Duration::from_secs(3)));
        assert_eq!(set.warnings.len(), 1, "{:?}", set.warnings);
        assert_eq!(with(&[]).timeout(), TIMEOUT);
    }

    #[test]
    fn resource_attributes_are_decoded() {
        let resource = |text: &str| {
            let mut environment = with(&[("OTEL_RESOURCE_ATTRIBUTES", text), ("OTEL_SERVICE_NAME", "guests")]);
            let pairs = environment.resource().into_iter().map(|pair| format!("{}={}", pair.key, pair.value));
            (pairs.collect::<Vec<_>>(), environment.warnings.len())
        };
        let service = "service.name=guests".to_owned();
        assert_eq!(resource(" a=b%20c%2C , d=%C3%A4,"), (vec!["a=b c,".into(), "d=ä".into(), service.clone()], 0));
        for broken in ["a", "a=%2", "a=%zz", "a=%ff"] {
            assert_eq!(resource(broken), (vec![service.clone()], 1), "{broken}");
        }
    }

    #[test]
    fn every_variable_that_counts_is_in_the_document() {
        let (code, _) = include_str!("environment.rs").split_once("#[cfg(test)]").expect("tests are at the end");
        let variables: Vec<&str> = code.split('"').filter(|word| word.starts_with("OTEL_")).collect();
        assert!(variables.len() > 10, "{variables:?}");
        let document = include_str!("../../SPANS.md");
        let missing: Vec<_> = variables.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
