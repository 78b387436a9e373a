//! JSON of speedscope (<https://www.speedscope.app/file-format-schema.json>): a sampled profile.

use serde_json::json;

use super::super::model::Profile;

/// A profile whose weights are nanoseconds of CPU time.
pub(super) fn encode(profile: &Profile) -> String {
    let frames: Vec<_> =
        profile.frames.iter().map(|frame| json!({ "name": &*frame.name, "file": &*frame.module })).collect();
    let samples: Vec<Vec<usize>> =
        profile.stacks.iter().map(|(stack, _)| stack.frames.iter().rev().copied().collect()).collect();
    let weights: Vec<u64> = profile.stacks.iter().map(|(_, count)| count.saturating_mul(profile.period_ns)).collect();
    let end = weights.iter().fold(0u64, |sum, weight| sum.saturating_add(*weight));
    let profile = json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": concat!("riscope ", env!("CARGO_PKG_VERSION")),
        "name": "guest",
        "shared": { "frames": frames },
        "profiles": [{
            "type": "sampled",
            "name": "guest CPU time",
            "unit": "nanoseconds",
            "startValue": 0,
            "endValue": end,
            "samples": samples,
            "weights": weights,
        }],
    });
    profile.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::profile;
    use super::*;

    #[test]
    fn samples_are_positions_of_frames_outermost_first() {
        let text = encode(&profile(&[("main;f", 3), ("main", 2)]));
        let value: serde_json::Value = text.parse().expect("JSON");
        let names: Vec<_> = value["shared"]["frames"].as_array().unwrap().iter().map(|frame| &frame["name"]).collect();
        assert_eq!(names, ["f", "main"]);
        assert_eq!(value["profiles"][0]["samples"], json!([[1, 0], [1]]));
        assert_eq!(value["profiles"][0]["weights"], json!([30_000_000, 20_000_000]));
        assert_eq!(value["profiles"][0]["endValue"], 50_000_000);
    }
}
