//! How an executor waits that has nothing to do.
//!
//! Knows the core and its inbox.

use std::rc::Rc;
use std::time::Duration;

use crate::core::Core;

/// Waits until there is mail, or the timeout has passed; perhaps less long.
pub(crate) fn park(core: &Rc<Core>, timeout: Option<Duration>) {
    core.inbox.park(timeout);
}
