//! Engine events as metrics.

use riscope_core::event::{CompileFailure, ExecutionEvent, Trigger, VmId};

use crate::label::CompileResult;
use crate::metric::registry::Metrics;
use crate::metric::samples::seconds;

// A failed compilation does not report its trigger, which is unambiguous as long as there
// is one.
const _: () = assert!(Trigger::ALL.len() == 1);

pub(super) fn record(metrics: &Metrics, vm_id: VmId, event: &ExecutionEvent) {
    match *event {
        ExecutionEvent::CodeBlockCompiled {
            pc: _,
            phys: _,
            block_size,
            instructions,
            host_size,
            tier,
            trigger,
            queue_wait_ns,
            compile_ns,
        } => {
            let Some(tier) = metrics.tier(tier) else { return };
            tier.compilations(trigger, CompileResult::Ok).inc();
            tier.duration.observe(seconds(compile_ns));
            tier.queue_wait.observe(seconds(queue_wait_ns));
            tier.guest_bytes.inc_by(u64::from(block_size));
            tier.host_bytes.inc_by(u64::from(host_size));
            tier.block_guest_bytes.observe(f64::from(block_size));
            tier.block_instructions.observe(f64::from(instructions));
            tier.block_host_bytes.observe(f64::from(host_size));
        }
        ExecutionEvent::HotspotDetected { vcpu: _, pc: _, phys: _, execution_count, from: _, to: _ } => {
            metrics.hotspot_executions.observe(crate::metric::samples::to_f64(execution_count));
            if let Some(machine) = metrics.machines.lock().known(vm_id) {
                machine.hotspots += 1;
            }
        }
        ExecutionEvent::CompilationFailed { pc: _, phys: _, tier, reason } => {
            let result = match reason {
                CompileFailure::Untranslatable | CompileFailure::Stale | CompileFailure::CacheFull => {
                    CompileResult::Bailout
                }
                CompileFailure::Compiler => CompileResult::Error,
            };
            metrics.failures[reason.index()].inc();
            if let Some(tier) = metrics.tier(tier) {
                tier.compilations(Trigger::Hot, result).inc();
            }
        }
        ExecutionEvent::CodeBlocksInvalidated { blocks, reason } => {
            metrics.invalidations[reason.index()].inc_by(u64::from(blocks));
        }
        ExecutionEvent::CodeCacheFlushed { blocks: _, bytes: _, reason } => {
            metrics.flushes[reason.index()].inc();
        }
    }
}
