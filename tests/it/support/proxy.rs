//! A proxy for one server: it opens a tunnel for CONNECT and for SOCKS 5, and notes what it is asked.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::service::RUNTIME;

/// First byte of a SOCKS 5 client.
const SOCKS: u8 = 5;

/// A proxy until dropped.
pub struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Leads every tunnel to the server at this URL, whatever its target.
    pub fn to(url: &str) -> Self {
        let (_, port) = url.rsplit_once(':').expect("a port");
        let port = port.parse().expect("a port");
        Self::start(Some(port), "HTTP/1.1 200 OK\r\n\r\n")
    }

    /// Gives this answer, and opens no tunnel.
    pub fn refusing(answer: &'static str) -> Self {
        Self::start(None, answer)
    }

    fn start(server: Option<u16>, answer: &'static str) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server, answer, Arc::clone(&noted)));
            }
        });
        Self { port, asked, listening }
    }

    /// Its address: host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it was asked: the head of each CONNECT, or the target of SOCKS.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(
    mut client: TcpStream,
    server: Option<u16>,
    answer: &'static str,
    noted: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let first = client.read_u8().await?;
    let asked = if first == SOCKS {
        target_of_socks(&mut client).await?
    } else {
        let mut head = vec![first];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        String::from_utf8_lossy(&head).into_owned()
    };
    noted.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    if first != SOCKS {
        client.write_all(answer.as_bytes()).await?;
    }
    let Some(server) = server else { return Ok(()) };
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Agrees on no authentication, and reads the request for a host and a port.
async fn target_of_socks(client: &mut TcpStream) -> io::Result<String> {
    let methods = usize::from(client.read_u8().await?);
    client.read_exact(&mut vec![0; methods]).await?;
    client.write_all(&[SOCKS, 0]).await?;
    let mut head = [0; 5];
    client.read_exact(&mut head).await?;
    let mut host = vec![0; usize::from(head[4])];
    client.read_exact(&mut host).await?;
    let port = client.read_u16().await?;
    client.write_all(&[SOCKS, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("{}:{port}", String::from_utf8_lossy(&host)))
}
