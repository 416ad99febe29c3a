//! Errors of the API that end a whole run.

/// Reason why no further request makes sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The server is not the API.
    #[error("{url} is not the Chatzy AI API ({what}): check --base-url")]
    NotTheApi {
        /// Address of the request.
        url: String,
        /// Description of the response.
        what: String,
    },
    /// The service does not accept the e-mail address, password or token.
    #[error("sign-in refused ({what}): check the credentials")]
    SignInRefused {
        /// Text of the service.
        what: String,
    },
    /// A credential cannot be read from its file, command or variable.
    #[error("{what}")]
    Credentials {
        /// Description of the problem.
        what: String,
    },
    /// There are no root certificates to check the server's certificate.
    #[error("{what}")]
    RootCertificates {
        /// Places where root certificates were searched.
        what: String,
    },
    /// The server's certificate is not accepted.
    #[error("the certificate of {url} {what}")]
    Certificate {
        /// Address of the API.
        url: String,
        /// Reason, and what to do.
        what: String,
    },
    /// Files or connections can no longer be opened, even with few requests in flight.
    #[error("too many open files on this machine: raise the limit (ulimit -n) or lower --concurrency")]
    NoFiles,
    /// No thread can be started.
    #[error("cannot start a thread ({what}): raise the limit on processes (ulimit -u)")]
    NoThreads {
        /// Error of the system.
        what: String,
    },
    /// No request succeeds, and no retries are allowed.
    #[error("the API does not answer ({what})")]
    Silent {
        /// Description of the last failure.
        what: String,
    },
    /// No request has succeeded for too long.
    #[error("the API has not answered for {minutes} minutes ({what})")]
    Unavailable {
        /// Duration of the outage in minutes.
        minutes: u64,
        /// Description of the last failure.
        what: String,
    },
    /// The account's quota is used up.
    #[error("the API quota of the account is used up (429 Limit Exceeded): wait until it is renewed")]
    Quota,
    /// Another part of the run has ended it.
    #[error("the run was stopped")]
    Cancelled,
}
