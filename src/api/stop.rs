//! Reasons for which the API ends a whole run.

/// Why no further request makes sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// What answers is not the API.
    #[error("{url} is not the Chatzy AI API ({what}): check --base-url")]
    NotTheApi {
        /// The address that was asked.
        url: String,
        /// What it answered.
        what: String,
    },
    /// E-mail, password or token are not accepted.
    #[error("sign-in refused ({what}): check the credentials")]
    SignInRefused {
        /// What the service said.
        what: String,
    },
    /// The file, command or variable with a credential cannot be read.
    #[error("{what}")]
    Credentials {
        /// What is wrong with it.
        what: String,
    },
    /// There are no root certificates to check the server's certificate with.
    #[error("{what}")]
    RootCertificates {
        /// Where they were looked for.
        what: String,
    },
    /// The server's certificate is not accepted.
    #[error("the certificate of {url} {what}")]
    Certificate {
        /// The address of the API.
        url: String,
        /// Why, and what to do.
        what: String,
    },
    /// Files or connections can no longer be opened, however few requests are in flight.
    #[error("too many open files on this machine: raise the limit (ulimit -n) or lower --concurrency")]
    NoFiles,
    /// No thread can be started.
    #[error("cannot start a thread ({what}): raise the limit on processes (ulimit -u)")]
    NoThreads {
        /// What the system says.
        what: String,
    },
    /// Nothing is answered, and no repeats are allowed.
    #[error("the API does not answer ({what})")]
    Silent {
        /// The last failure.
        what: String,
    },
    /// Nothing has been answered for too long.
    #[error("the API has not answered for {minutes} minutes ({what})")]
    Unavailable {
        /// How long, in minutes.
        minutes: u64,
        /// The last failure.
        what: String,
    },
    /// The account's quota is used up.
    #[error("the API quota of the account is used up (429 Limit Exceeded): wait until it is renewed")]
    Quota,
    /// Another part of the run has stopped it.
    #[error("the run was stopped")]
    Cancelled,
}
