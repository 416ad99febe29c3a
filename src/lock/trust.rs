//! File systems on which a free lock proves that no run works in the folder.

use std::path::Path;

/// Magic numbers of local file systems: ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, bcachefs.
#[cfg(target_os = "linux")]
const LOCAL: [u32; 8] =
    [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010, 0xCA45_1A4E];

/// True if no other machine can work in the folder. False if that is not known.
#[cfg(target_os = "linux")]
pub(super) fn is_local(folder: &Path) -> bool {
    let kind = rustix::fs::statfs(folder).ok().and_then(|system| u32::try_from(system.f_type).ok());
    kind.is_some_and(|kind| LOCAL.contains(&kind))
}

/// Always false: not known on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_local(_: &Path) -> bool {
    false
}
