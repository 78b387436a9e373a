//! Data of calls, and how often they promote.

use riscope_core::isa::decode;

use super::*;

#[test]
fn a_call_site_survives_its_bytes() {
    // csrrw a0, sscratch, a1; fadd.d with dynamic rounding; amoadd.d; wfi
    for bits in [0x1405_9573, 0x02b5_7553, 0x00e5_b52f, 0x1050_0073] {
        let insn = decode(bits).expect("an instruction");
        for (distance, uncounted) in [(0, 0), (-4094, 1), (4094, 63), (-2, 255), (2, 64)] {
            for (float, csr) in [(false, false), (true, false), (false, true)] {
                let site = CallSite {
                    handler: handler(insn.op),
                    operands: insn.operands,
                    head: 0x0123_4567_89ab_cdee,
                    distance,
                    uncounted,
                    float,
                    csr,
                    padding: [0; 3],
                };
                // Where it is not aligned, as in the code of a fragment.
                let mut code = vec![0xcc];
                code.extend(site.bytes());
                // SAFETY: these are the bytes of a site.
                let read = unsafe { code.as_ptr().add(1).cast::<CallSite>().read_unaligned() };
                assert_eq!(read.handler as usize, site.handler as usize);
                assert_eq!(read.operands, site.operands);
                let rest = |site: CallSite| (site.head, site.distance, site.uncounted, site.float, site.csr);
                assert_eq!(rest(read), rest(site));
            }
        }
    }
}

#[test]
fn one_call_in_a_thousand_promotes() {
    let mut state = HartState::default();
    let samples: Vec<u32> = (1..=5000).filter(|_| is_sample(&mut state)).collect();
    let period = u32::from(CALLS_PER_SAMPLE);
    assert_eq!(samples, (1..=5000 / period).map(|n| n * period).collect::<Vec<_>>());
}
