//! One HTTP request over a connection of its own, and parts of requests that the servers of the tests share.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends a request as it is to the server at this URL, and reads the whole answer.
pub async fn send(endpoint: &str, mut request: Request<Bytes>) -> io::Result<Response<Bytes>> {
    let address = endpoint.strip_prefix("http://").ok_or(io::ErrorKind::InvalidInput)?;
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(io::Error::other)?;
    if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, HeaderValue::from_str(address).map_err(io::Error::other)?);
    }
    let answer = sender.send_request(request.map(Full::new)).await.map_err(io::Error::other)?;
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    // They describe the connection.
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.remove(CONNECTION);
    Ok(Response::from_parts(head, body))
}
