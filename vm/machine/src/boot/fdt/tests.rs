//! Tests of the device tree with an independent reader, written from the format's
//! specification (chapter 5).

use std::collections::BTreeMap;

use riscope_core::clock::Clock;
use riscope_core::hart::HartControl;

use super::*;
use crate::device::irqchip::{Clint, Plic};
use crate::device::test_device::TestDevice;
use crate::exit::ExitLatch;
use crate::layout::{PLIC_PHANDLE, TEST_DEVICE_PHANDLE};

/// Properties by the path of their node, joined by `:`.
type Tree = BTreeMap<String, Vec<u8>>;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn text_at(bytes: &[u8], at: usize) -> String {
    let text = bytes[at..].split(|&byte| byte == 0).next().unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

fn parse(blob: &[u8]) -> Tree {
    assert_eq!(u32_at(blob, 0), 0xd00d_feed);
    assert_eq!(u32_at(blob, 4) as usize, blob.len());
    let strings = u32_at(blob, 12) as usize;
    let mut at = u32_at(blob, 8) as usize;
    let (mut tree, mut path) = (Tree::new(), Vec::new());
    loop {
        let token = u32_at(blob, at);
        at += 4;
        match token {
            1 => {
                let name = text_at(blob, at);
                at = (at + name.len() + 1).next_multiple_of(4);
                path.push(name);
            }
            2 => drop(path.pop().unwrap()),
            3 => {
                let (len, name) = (u32_at(blob, at) as usize, u32_at(blob, at + 4) as usize);
                at += 8;
                let key = format!("{}:{}", path.join("/"), text_at(blob, strings + name));
                assert!(tree.insert(key, blob[at..at + len].to_vec()).is_none());
                at = (at + len).next_multiple_of(4);
            }
            4 => {}
            9 => break,
            _ => panic!("token {token} at {at}"),
        }
    }
    assert!(path.is_empty());
    tree
}

fn cells(tree: &Tree, key: &str) -> Vec<u32> {
    tree[key].chunks(4).map(|cell| u32_at(cell, 0)).collect()
}

fn text(tree: &Tree, key: &str) -> String {
    String::from_utf8(tree[key].strip_suffix(&[0]).unwrap().to_vec()).unwrap()
}

fn tree_of(harts: usize, initrd: Option<Range<u64>>) -> Tree {
    let controls: Vec<Arc<HartControl>> = (0..harts).map(|_| Arc::default()).collect();
    let devices: [Arc<dyn Device>; 3] = [
        Arc::new(Plic::new(&controls)),
        Arc::new(Clint::new(controls.clone(), Clock::manual())),
        Arc::new(TestDevice::new(Arc::new(ExitLatch::new(controls)))),
    ];
    let contents = FdtContents {
        harts,
        mmu: MmuType::Sv48,
        ram: 0x8000_0000..0x1_8000_0000,
        bootargs: b"console=ttyS0 motd=gr\xfc\xdfe",
        initrd,
        devices: &devices,
    };
    parse(&build(&contents, &mut Entropy::seeded(1)).unwrap())
}

#[test]
fn harts_are_described_with_their_extensions() {
    let tree = tree_of(2, None);
    for hart in [0, 1] {
        let cpu = format!("/cpus/cpu@{hart}");
        assert_eq!(cells(&tree, &format!("{cpu}:reg")), [hart]);
        assert_eq!(
            text(&tree, &format!("{cpu}:riscv,isa")),
            "rv64imafdc_zicboz_zicclsm_zicntr_zicond_zicsr_zifencei_zihintpause_zba_zbb_zbs_sstc_svadu"
        );
        let list = text(&tree, &format!("{cpu}:riscv,isa-extensions"));
        assert!(list.starts_with("i\0m\0a\0f\0d\0c\0zicboz\0"), "{list:?}");
        assert_eq!(text(&tree, &format!("{cpu}:mmu-type")), "riscv,sv48");
        assert_eq!(cells(&tree, &format!("{cpu}:riscv,cboz-block-size")), [64]);
    }
    assert!(!tree.contains_key("/cpus/cpu@2:reg"));
    assert_eq!(cells(&tree, "/cpus:timebase-frequency"), [10_000_000]);
}

#[test]
fn every_handle_that_is_used_belongs_to_the_right_node() {
    let tree = tree_of(2, None);
    let handle = |node: &str| cells(&tree, &format!("{node}:phandle"))[0];
    let intc = [0, 1].map(|hart| handle(&format!("/cpus/cpu@{hart}/interrupt-controller")));
    assert_eq!(
        cells(&tree, "/soc/plic@c000000:interrupts-extended"),
        [intc[0], 11, intc[0], 9, intc[1], 11, intc[1], 9]
    );
    assert_eq!(
        cells(&tree, "/soc/clint@2000000:interrupts-extended"),
        [intc[0], 3, intc[0], 7, intc[1], 3, intc[1], 7]
    );
    assert_eq!(cells(&tree, "/cpus/cpu-map/cluster0/core1:cpu"), [handle("/cpus/cpu@1")]);
    assert_eq!(handle("/soc/plic@c000000"), PLIC_PHANDLE);
    assert_eq!(handle("/soc/test@100000"), TEST_DEVICE_PHANDLE);
    assert_eq!(cells(&tree, "/poweroff:regmap"), [TEST_DEVICE_PHANDLE]);
    assert_eq!(cells(&tree, "/reboot:value"), [0x7777]);
}

#[test]
fn memory_command_line_and_initrd_are_announced() {
    let initrd = Some(0xf000_0000..0x2_9000_1234);
    let tree = tree_of(1, initrd);
    assert_eq!(cells(&tree, "/memory@80000000:reg"), [0, 0x8000_0000, 1, 0]);
    assert_eq!(tree["/chosen:bootargs"], *b"console=ttyS0 motd=gr\xfc\xdfe\0", "bytes, whatever they mean");
    assert_eq!(text(&tree, "/chosen:stdout-path"), "/soc/serial@10000000");
    assert_eq!(cells(&tree, "/chosen:linux,initrd-start"), [0, 0xf000_0000]);
    assert_eq!(cells(&tree, "/chosen:linux,initrd-end"), [2, 0x9000_1234]);
    assert_eq!(tree["/chosen:rng-seed"].len(), 32);
    assert_ne!(tree["/chosen:kaslr-seed"], [0; 8]);
    assert!(!tree_of(1, None).contains_key("/chosen:linux,initrd-start"));
}

#[test]
fn a_command_line_with_a_nul_is_refused() {
    let contents =
        FdtContents { harts: 1, mmu: MmuType::Sv39, ram: 0..1, bootargs: b"a\0b", initrd: None, devices: &[] };
    assert!(build(&contents, &mut Entropy::seeded(1)).is_err());
}
