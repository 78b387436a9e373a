//! Initial RAM disk, placed at the highest free address, below 4 GiB if it fits there.

use std::ops::Range;

use riscope_core::addr::PAGE_SIZE;

use super::{Placement, PlacementError};
use crate::image::{ImageError, ImageSource};
use crate::layout::LOW_LIMIT;

/// Errors of loading an initrd.
#[derive(Debug, thiserror::Error)]
pub enum InitrdError {
    /// The file cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The initrd does not fit into memory.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

/// Reads an initrd, compressed or not, places it unchanged and returns its physical range.
///
/// It goes below 4 GiB, because boot loaders before the kernel may handle it with 32-bit
/// pointers; one that does not fit there goes above, or across.
///
/// # Errors
/// [`InitrdError`] if the file cannot be read or does not fit.
pub fn load(placement: &mut Placement, source: &ImageSource) -> Result<Range<u64>, InitrdError> {
    let image = source.open(placement.ram_end() - placement.ram_start())?;
    let mut claim = |limit| placement.claim_high(source.name(), image.size(), PAGE_SIZE, limit);
    let start = claim(LOW_LIMIT).or_else(|_| claim(u64::MAX))?;
    image.copy_to(placement.memory(), start)?;
    Ok(start..start + image.size())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;
    use vm_memory::{Bytes, GuestAddress};

    use super::*;

    const BASE: u64 = 0x8000_0000;

    fn placement() -> Placement {
        Placement::new(Arc::new(GuestRam::new(GuestPhys(BASE), 1 << 20).unwrap()))
    }

    #[test]
    fn it_is_placed_below_what_is_at_the_top() {
        let mut placement = placement();
        placement.claim("tree", BASE + 0xf_0000, 0x1_0000).unwrap();
        let range = load(&mut placement, &ImageSource::bytes("initrd", vec![7; 0x1001])).unwrap();
        assert_eq!(range, BASE + 0xe_e000..BASE + 0xe_f001);
        assert_eq!(placement.memory().read_obj::<u8>(GuestAddress(range.end - 1)).unwrap(), 7);
    }

    /// RAM from 1 MiB below 4 GiB to 1 MiB above, with or without a device tree just below
    /// 4 GiB.
    #[test]
    fn one_that_does_not_fit_below_4_gib_goes_beyond() {
        const LOW: u64 = LOW_LIMIT - (1 << 20);
        for (len, tree, start) in [
            (0x1000, true, LOW_LIMIT - 0x1_1000),
            // Across 4 GiB, and above.
            (0x18_0000, false, LOW_LIMIT - 0x8_0000),
            (0xf_8000, true, LOW_LIMIT + 0x8000),
        ] {
            let mut placement = Placement::new(Arc::new(GuestRam::new(GuestPhys(LOW), 2 << 20).unwrap()));
            if tree {
                placement.claim("tree", LOW_LIMIT - 0x1_0000, 0x1_0000).unwrap();
            }
            let range = load(&mut placement, &ImageSource::bytes("initrd", vec![7; len])).unwrap();
            assert_eq!(range, start..start + len as u64);
            assert_eq!(placement.memory().read_obj::<u8>(GuestAddress(range.end - 1)).unwrap(), 7);
        }
    }

    #[test]
    fn one_that_does_not_fit_is_refused() {
        let mut placement = placement();
        placement.claim("kernel", BASE, 0x8_0000).unwrap();
        let crowded = load(&mut placement, &ImageSource::bytes("initrd", vec![7; 0x8_0001]));
        assert!(matches!(crowded, Err(InitrdError::Placement(PlacementError::NoRoom { .. }))));
        let large = load(&mut placement, &ImageSource::bytes("initrd", vec![7; (1 << 20) + 1]));
        assert!(matches!(large, Err(InitrdError::Image(ImageError::TooLarge { .. }))));
    }
}
