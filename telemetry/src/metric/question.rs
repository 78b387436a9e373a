//! Questions of someone on call, each with the query that answers it. `METRICS.md` lists them, and
//! `vm/service/tests/questions.rs` asks them of real machines.

/// A question with its answer in PromQL.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The question.
    pub asked: &'static str,
    /// Query that answers it. Ranges are `[5m]`, to be replaced by what is looked at.
    pub query: &'static str,
    /// How the answer is read, in its unit.
    pub answer: &'static str,
}

/// Declares a constant per question and the list of all of them.
macro_rules! questions {
    ($($name:ident: $asked:literal, $query:literal, $answer:literal;)*) => {
        $(
            #[doc = $asked]
            pub const $name: Question = Question { asked: $asked, query: $query, answer: $answer };
        )*

        /// All questions, in the order of the documentation.
        pub const QUESTIONS: &[Question] = &[$($name,)*];
    };
}

questions! {
    CONDITION: "Is it booted, hung, panicked, looping?",
        "riscope_vm_condition == 1",
        "`condition`";
    UPTIME: "Since when has it run, since its last reset?",
        "time() - riscope_vm_boot_time_seconds",
        "seconds";
    RESETS: "How often has it been reset?",
        "sum by (instance, vm_id) (increase(riscope_vm_resets_total[5m]))",
        "resets within the range";
    LAST_END: "Why did it end the last time?",
        "riscope_vm_last_end == 1",
        "`reason`; nothing for a machine that has neither been reset nor ended";
    LAST_END_TIME: "When did it end the last time?",
        "riscope_vm_last_end_timestamp_seconds > 0",
        "seconds since the Unix epoch";
    SUCCESS: "Did the job inside succeed?",
        "max by (instance, vm_id) (max_over_time(riscope_vm_exit_status[5m])) >= 0",
        "0 for success, else the guest's exit status; nothing while it runs. A machine is scraped after its end with `run --linger`";
    CONFIGURATION: "What was it configured with?",
        "riscope_vm_config_info",
        "`setting` and `value`";
    CONSOLE: "Who is at its console?",
        "riscope_console_attached == 1",
        "`peer`";
    CONSOLE_OUTPUT: "How much does it write to its console?",
        "sum by (instance, vm_id, console) (rate(riscope_console_output_lines_total[5m]))",
        "lines per second";
    DISK_OPERATIONS: "How many requests does each disk serve?",
        "sum by (instance, vm_id, disk, operation) (rate(riscope_block_operations_total[5m]))",
        "requests per second";
    DISK_BYTES: "How many bytes does each disk move?",
        "sum by (instance, vm_id, disk, operation) (rate(riscope_block_io_bytes_total[5m]))",
        "bytes per second";
    DISK_LATENCY: "How long does each disk need for a request?",
        "sum by (instance, vm_id, disk) (rate(riscope_block_operation_seconds_total[5m])) / (sum by (instance, vm_id, disk) (rate(riscope_block_operations_total[5m])) > 0)",
        "seconds in the mean; nothing for a disk without requests";
    DISK_LATENCY_TAIL: "How long do the slowest requests to disks take?",
        "histogram_quantile(0.99, sum by (instance, operation, le) (rate(riscope_block_operation_duration_seconds_bucket[5m])))",
        "seconds that 99 % of the requests do not exceed; NaN without requests";
    DISK_HANGS: "Does a disk hang?",
        "riscope_block_oldest_operation_age_seconds",
        "seconds for which the host has worked on one request; 0 without one";
    DISK_ERRORS: "Which disk errs?",
        "sum by (instance, vm_id, disk, operation) (increase(riscope_block_errors_total[5m])) > 0",
        "requests that failed; nothing if none has";
    DISK_FAULTS: "What is wrong with that disk?",
        "sum by (instance, vm_id, device, device_name, error_type) (increase(riscope_device_errors_total[5m])) > 0",
        "`error_type`: what the host reported";
    QUEUES: "Do its devices still talk with its drivers?",
        "sum by (instance, vm_id, device, device_name) (rate(riscope_virtio_notifications_total[5m])) and sum by (instance, vm_id, device, device_name) (rate(riscope_virtio_used_buffers_total[5m])) >= 0",
        "notifications per second of each device";
    HOST_CPU: "How much host CPU does it take, and for what?",
        "sum by (instance, thread_group) (rate(riscope_host_cpu_seconds_total[5m]))",
        "CPUs, by what the threads do; devices are served by the harts";
    HART_CPU: "What do its harts use the CPU for?",
        "sum by (instance, vm_id, activity) (rate(riscope_vcpu_cpu_seconds_total[5m]))",
        "CPUs, by activity";
    DELAY: "How much CPU does a hart want and not get?",
        "sum by (instance, vm_id, vcpu) (rate(riscope_vcpu_delay_seconds_total[5m]))",
        "CPUs";
    INSTRUCTIONS: "How fast does the guest run?",
        "sum by (instance, vm_id) (rate(riscope_guest_instructions_total[5m]))",
        "instructions per second";
    PRIVILEGE: "Does it run in its kernel or in its programs?",
        "sum by (instance, vm_id, mode) (rate(riscope_guest_mode_instructions_total[5m]))",
        "instructions per second, by privilege mode";
    COMPILE_LOAD: "Which machine causes compile load?",
        "topk(5, sum by (instance, vm_id, tier) (rate(riscope_vm_jit_compilation_seconds_total[5m])))",
        "seconds of compilation per second";
    QUEUE_WAIT: "Whose compilations wait?",
        "topk(5, sum by (instance, vm_id, tier) (rate(riscope_vm_jit_queue_wait_seconds_total[5m])))",
        "seconds of waiting per second: compilations that wait, in the mean";
    CACHE_PRESSURE: "Whose code cache is under pressure?",
        "topk(5, riscope_vm_jit_code_cache_usage_bytes / (riscope_vm_jit_code_cache_limit_bytes > 0))",
        "share of the code cache that is in use";
    CACHE_EVICTIONS: "Whose code is evicted?",
        "topk(5, sum by (instance, vm_id) (rate(riscope_vm_jit_code_cache_evicted_bytes_total[5m])))",
        "bytes per second";
    HOT_CODE: "How much of its time does the guest spend in its hot code?",
        "riscope_guest_hot_page_ratio > 0",
        "share of the execution in each of the hottest pages, by `rank`";
    HOT_PAGES: "Where is the guest's hot code?",
        "riscope_guest_hot_page_address > 0",
        "virtual address of each of these pages, by `rank`; exact, though it may be shown in decimal";
    HOTSPOTS: "How much code becomes hot?",
        "sum by (instance, vm_id, from, to) (increase(riscope_jit_hotspots_detected_total[5m]))",
        "blocks within the range, by the tier that they go to";
    COST: "What does a guest instruction cost the host?",
        "sum by (instance, vm_id) (rate(riscope_vcpu_cpu_seconds_total[5m])) / (sum by (instance, vm_id) (rate(riscope_guest_instructions_total[5m])) > 0)",
        "seconds of CPU time of its harts";
    CODE_COST: "What does it cost in generated code?",
        "sum by (instance, vm_id) (rate(riscope_vcpu_cpu_seconds_total{activity=\"code\"}[5m])) / (sum by (instance, vm_id) (rate(riscope_guest_instructions_total{tier!=\"interpreter\"}[5m])) > 0)",
        "seconds of CPU time";
    HOST_COUNTERS: "Does the host count events and energy?",
        "riscope_host_counters_available",
        "1 or 0, by `source`; what follows has no answer without";
    HOST_INSTRUCTIONS: "How many host instructions does a guest instruction take in generated code?",
        "sum by (instance, vm_id) (rate(riscope_vcpu_host_instructions_total{activity=\"code\"}[5m])) / (sum by (instance, vm_id) (rate(riscope_guest_instructions_total{tier!=\"interpreter\"}[5m])) > 0)",
        "host instructions";
    HOST_IPC: "How well do they suit the host's CPU?",
        "sum by (instance, vm_id, activity) (rate(riscope_vcpu_host_instructions_total[5m])) / (sum by (instance, vm_id, activity) (rate(riscope_vcpu_host_cycles_total[5m])) > 0)",
        "host instructions per cycle, by activity";
    HOST_BRANCH_MISSES: "How many branches does the host mispredict?",
        "sum by (instance, vm_id, activity) (rate(riscope_vcpu_host_branch_misses_total[5m])) / (sum by (instance, vm_id, activity) (rate(riscope_vcpu_host_branches_total[5m])) > 0)",
        "share of the branches, by activity";
    ENERGY: "How much energy does a guest instruction take?",
        "sum by (instance) (rate(riscope_host_energy_joules_total{domain=\"package\"}[5m])) * sum by (instance) (rate(riscope_vcpu_cpu_seconds_total[5m])) / sum by (instance) (rate(riscope_host_busy_cpu_seconds_total[5m])) / (sum by (instance) (rate(riscope_guest_instructions_total[5m])) > 0)",
        "joules: the processors' energy, shared out by CPU time";
}
