//! Waiting for the disk or for another transaction, without holding up a runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work`, which may block. On a worker of a runtime its other tasks move to another thread
/// meanwhile: that costs some microseconds, so callers try first whether they have to wait.
pub(super) fn may_block<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        _ => work(),
    }
}
