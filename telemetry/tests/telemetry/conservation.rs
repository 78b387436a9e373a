//! Tests that no event is lost uncounted between the bus and `/metrics`.

use std::thread;

use riscope_core::event::{ExecutionEventType, VmId};
use riscope_telemetry::TelemetryConfig;

use crate::fixture::{Fixture, PATIENCE, compiled, created, hotspot};

#[test]
fn what_is_published_is_handled_or_dropped_whatever_the_queue() {
    for queue_capacity in [1, 7, 100_000] {
        let fixture = Fixture::new(TelemetryConfig { queue_capacity, ..TelemetryConfig::default() });
        fixture.publish([created(VmId::from_u128(1), "guest")]);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..5000_u64).for_each(|pc| fixture.send(hotspot(VmId::from_u128(1), pc))));
            }
        });
        assert!(fixture.telemetry.flush(PATIENCE));
        let scrape = fixture.scrape();
        let event = [("event", ExecutionEventType::HotspotDetected.as_str())];
        let subscriber = [("subscriber", "telemetry")];
        let published = scrape.sum("riscope_event_bus_published_total", &event);
        let delivered = scrape.sum("riscope_event_bus_delivered_total", &subscriber);
        let dropped = scrape.sum("riscope_event_bus_dropped_total", &subscriber);
        assert_eq!(published, 15_000.0);
        assert_eq!(delivered + dropped, published + 1.0);
        assert_eq!(scrape.sum("riscope_event_bus_queue_depth", &subscriber), 0.0);
        // The metrics include each handled event once.
        assert_eq!(
            scrape.sum("riscope_jit_hotspots_detected_total", &[("vm_id", "00000000-0000-0000-0000-000000000001")]),
            delivered - 1.0
        );
        assert_eq!(scrape.sum("riscope_jit_hotspot_executions_count", &[]), delivered - 1.0);
        if queue_capacity == 100_000 {
            assert_eq!(dropped, 0.0);
        }
    }
}

#[test]
fn what_waits_at_shutdown_is_handled() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.send(created(VmId::from_u128(1), "guest"));
    for _ in 0..1000 {
        fixture.send(compiled(VmId::from_u128(1), 0x1000, 300_000));
    }
    assert!(fixture.telemetry.shutdown(riscope_telemetry::SHUTDOWN_LIMIT));
    assert!(!fixture.telemetry.shutdown(riscope_telemetry::SHUTDOWN_LIMIT), "the second time there is nothing to end");
    assert!(!fixture.telemetry.flush(PATIENCE));
    assert!(!fixture.bus.has_subscribers());
    let scrape = fixture.scrape();
    assert_eq!(scrape.sum("riscope_jit_compilations_total", &[("result", "ok")]), 1000.0);
    assert_eq!(scrape.sum("riscope_event_bus_delivered_total", &[("subscriber", "telemetry")]), 1001.0);
}
