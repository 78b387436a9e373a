//! Engine events as metrics: what each says in sums, and the distributions of its figures.

use riscope_core::event::{ExecutionEvent, VmId};

use crate::metric::registry::Metrics;
use crate::metric::samples::{seconds, to_f64};

pub(super) fn record(metrics: &Metrics, vm_id: VmId, event: &ExecutionEvent) {
    metrics.machines.lock().count(vm_id, event);
    match *event {
        ExecutionEvent::CodeBlockCompiled {
            pc: _,
            phys: _,
            block_size,
            instructions,
            host_size,
            tier,
            trigger: _,
            queue_wait_ns,
            compile_ns,
        } => {
            let Some(tier) = metrics.tier(tier) else { return };
            tier.duration.observe(seconds(compile_ns));
            tier.queue_wait.observe(seconds(queue_wait_ns));
            tier.block_guest_bytes.observe(f64::from(block_size));
            tier.block_instructions.observe(f64::from(instructions));
            tier.block_host_bytes.observe(f64::from(host_size));
        }
        ExecutionEvent::HotspotDetected { vcpu: _, pc: _, phys: _, execution_count, from: _, to: _ } => {
            metrics.hotspot_executions.observe(to_f64(execution_count));
        }
        ExecutionEvent::CompilationFailed { pc: _, phys: _, tier: _, reason: _ }
        | ExecutionEvent::CodeBlocksInvalidated { blocks: _, reason: _ }
        | ExecutionEvent::CodeCacheEvicted { blocks: _, bytes: _, reason: _ } => {}
    }
}
