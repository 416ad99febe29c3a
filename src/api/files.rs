//! Running out of open files on this machine, which is no failure of the service.

use std::error::Error;
use std::fs::File;
use std::io;

use rustix::io::Errno;

use super::tls::causes;

/// Whether an error comes from a limit on open files. A failed look-up of a name does not say so itself: `is_connect` has it tried.
pub fn are_used_up(error: &(dyn Error + 'static), is_connect: bool) -> bool {
    let is_said = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_limit);
    is_said || (is_connect && File::open("/dev/null").is_err_and(|error| is_limit(&error)))
}

fn is_limit(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code))
}
