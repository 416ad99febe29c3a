//! The behavior of the stores, and of the proxy before them, that other tests rely on.
//!
//! The client here is the library, without the program.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode, PutPayload, Result};

use crate::support::scripted::Gate;
use crate::support::service::RUNTIME;
use crate::support::stores::proxy::{Fault, Rule};
use crate::support::stores::{Client, Kind, Remote, SECRETS};

/// Writes that start at once in a race.
const RACERS: usize = 8;

type Shared = Arc<dyn Client>;

async fn create(client: &Shared, path: &Path, text: &'static str) -> Result<()> {
    client.put_opts(path, PutPayload::from_static(text.as_bytes()), PutMode::Create.into()).await.map(drop)
}

async fn text(client: &Shared, path: &Path) -> String {
    let bytes = client.get(path).await.expect("an object").bytes().await.expect("its content");
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn names(client: &Shared, remote: &Remote) -> Vec<String> {
    let below = format!("{}/", remote.prefix());
    let listed =
        client.list(Some(&Path::from(remote.prefix()))).try_collect::<Vec<_>>().await.expect("a list");
    let mut names: Vec<String> =
        listed.iter().map(|object| object.location.as_ref().replace(&below, "")).collect();
    names.sort();
    names
}

/// The name of an outcome.
fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::AlreadyExists { .. }) => "already exists",
        Err(Error::Precondition { .. }) => "precondition failed",
        Err(Error::NotFound { .. }) => "not found",
        Err(Error::NotImplemented { .. }) => "not implemented",
        Err(_) => "other error",
    }
}

#[test]
fn conditions_hold() {
    for remote in Remote::all_with_conditions("conditions_hold") {
        let (client, path) = (remote.client(0), remote.path("_runs/lock.json"));
        RUNTIME.block_on(async {
            let kind = remote.kind;
            create(&client, &path, "first").await.unwrap();
            assert_eq!(outcome(&create(&client, &path, "second").await), "already exists", "{kind:?}");
            assert_eq!(text(&client, &path).await, "first", "{kind:?}");
            let version = client.head(&path).await.unwrap();
            let update = |version: object_store::UpdateVersion| PutMode::Update(version).into();
            let version = object_store::UpdateVersion { e_tag: version.e_tag, version: version.version };
            let done =
                client.put_opts(&path, "third".into(), update(version.clone())).await.expect("updated");
            let stale = client.put_opts(&path, "fourth".into(), update(version)).await;
            assert_eq!(outcome(&stale), "precondition failed", "{kind:?}");
            client.put_opts(&path, "fifth".into(), update(done.into())).await.expect("updated again");
            assert_eq!(text(&client, &path).await, "fifth", "{kind:?}");
        });
    }
}

#[test]
fn one_of_several_creations_at_once_succeeds() {
    for remote in Remote::all_with_conditions("one_of_several_creations_at_once_succeeds") {
        // Moto lets more than one succeed now and then.
        if remote.kind == Kind::Moto {
            continue;
        }
        let (client, path) = (remote.client(0), remote.path("_runs/manifest.json"));
        RUNTIME.block_on(async {
            let racers = (0..RACERS).map(|_| create(&client, &path, "{}"));
            let outcomes = futures::future::join_all(racers).await;
            let outcomes: Vec<&str> = outcomes.iter().map(outcome).collect();
            let winners = outcomes.iter().filter(|outcome| **outcome == "ok").count();
            let losers = outcomes.iter().filter(|outcome| **outcome == "already exists").count();
            assert_eq!((winners, losers), (1, RACERS - 1), "{:?}: {outcomes:?}", remote.kind);
        });
    }
}

#[test]
fn uploads_are_invisible_until_another_client_completes_them() {
    let mut again = Vec::new();
    for remote in Remote::all_with_conditions("uploads_are_invisible_until_another_client_completes_them") {
        let (client, path) = (remote.client(0), remote.path("messages/part-1.parquet"));
        again.push(RUNTIME.block_on(async {
            let kind = remote.kind;
            let upload = client.create_multipart(&path).await.unwrap();
            let parts = [vec![b'a'; 5 << 20], vec![b'b'; 10]];
            let mut ids = Vec::new();
            for (number, part) in parts.into_iter().enumerate() {
                ids.push(client.put_part(&path, &upload, number, part.into()).await.unwrap());
            }
            let aborted = remote.path("messages/part-2.parquet");
            let other = client.create_multipart(&aborted).await.unwrap();
            client.put_part(&aborted, &other, 0, "text".into()).await.unwrap();
            assert_eq!(names(&client, &remote).await, [""; 0], "{kind:?}");
            assert_eq!(outcome(&client.head(&path).await), "not found", "{kind:?}");
            client.abort_multipart(&aborted, &other).await.unwrap();

            let later = remote.client(0);
            later.complete_multipart(&path, &upload, ids.clone()).await.unwrap();
            assert_eq!(names(&later, &remote).await, ["messages/part-1.parquet"], "{kind:?}");
            assert_eq!(later.head(&path).await.unwrap().size, (5 << 20) + 10, "{kind:?}");
            let border = (5 << 20) - 2..(5 << 20) + 2;
            assert_eq!(later.get_range(&path, border).await.unwrap(), "aabb", "{kind:?}");
            format!("{kind:?}: {}", outcome(&later.complete_multipart(&path, &upload, ids).await))
        }));
    }
    // Completed twice. Only stores that are installed are here.
    let known = ["SeaweedFs: ok", "Azurite: other error", "Moto: ok", "Gcs: other error"];
    assert!(again.iter().all(|outcome| known.contains(&outcome.as_str())), "{again:?}");
}

#[test]
fn objects_are_listed_and_deleted() {
    for remote in Remote::all_with_conditions("objects_are_listed_and_deleted") {
        let client = remote.client(0);
        RUNTIME.block_on(async {
            let kind = remote.kind;
            let all = ["_runs/1/manifest.json", "_runs/latest.json", "messages/channel=a%20b&c/part.parquet"];
            for name in all {
                client.put(&remote.path(name), name.into()).await.unwrap();
            }
            assert_eq!(names(&client, &remote).await, all.map(remote_name), "{kind:?}");
            let top = client.list_with_delimiter(Some(&Path::from(remote.prefix()))).await.unwrap();
            let folders: Vec<&str> = top.common_prefixes.iter().filter_map(Path::filename).collect();
            assert_eq!((folders, top.objects.len()), (vec!["_runs", "messages"], 0), "{kind:?}");
            let path = remote.path(all[2]);
            assert_eq!(text(&client, &path).await, all[2], "{kind:?}");
            client.delete(&path).await.unwrap();
            assert_eq!(names(&client, &remote).await, &all[..2], "{kind:?}");
            let again = outcome(&client.delete(&path).await);
            let expected = if matches!(kind, Kind::Azurite | Kind::Gcs) { "not found" } else { "ok" };
            assert_eq!(again, expected, "{kind:?}");
        });
    }
}

/// The name of an object in which `%` and other characters are escaped.
fn remote_name(name: &str) -> String {
    Path::from(name).as_ref().to_owned()
}

#[test]
fn a_list_of_many_pages_is_whole() {
    let remote = Remote::gcs();
    let client = remote.client(0);
    RUNTIME.block_on(async {
        let puts = (0..2100).map(|number| {
            let (client, path) = (Arc::clone(&client), remote.path(&format!("{}/{number:04}", number % 3)));
            async move { client.put(&path, PutPayload::new()).await }
        });
        futures::stream::iter(puts).buffer_unordered(8).try_collect::<Vec<_>>().await.unwrap();
        let names = names(&client, &remote).await;
        assert_eq!((names.len(), names[0].as_str(), names[2099].as_str()), (2100, "0/0000", "2/2099"));
        let folders = client.list_with_delimiter(Some(&Path::from(remote.prefix()))).await.unwrap();
        assert_eq!((folders.common_prefixes.len(), folders.objects.len()), (3, 0));
    });
}

#[test]
fn the_stand_in_for_google_has_a_clock_and_counts_uploads() {
    let remote = Remote::gcs();
    let (client, path) = (remote.client(0), remote.path("lock.json"));
    RUNTIME.block_on(async {
        client.put(&path, "x".into()).await.unwrap();
        let before = client.head(&path).await.unwrap().last_modified;
        remote.as_gcs().advance(Duration::from_mins(11));
        client.put(&path, "y".into()).await.unwrap();
        let after = client.head(&path).await.unwrap().last_modified;
        assert!((after - before).num_minutes() >= 11, "{before} {after}");
        let upload = client.create_multipart(&path).await.unwrap();
        assert_eq!(remote.as_gcs().unfinished_uploads(), 1);
        client.abort_multipart(&path, &upload).await.unwrap();
        assert_eq!(remote.as_gcs().unfinished_uploads(), 0);
    });
}

#[test]
fn the_store_of_rclone_ignores_conditions() {
    let Some(remote) = Remote::rclone("the_store_of_rclone_ignores_conditions") else { return };
    let (client, path) = (remote.client(0), remote.path("lock.json"));
    RUNTIME.block_on(async {
        create(&client, &path, "first").await.unwrap();
        create(&client, &path, "second").await.unwrap();
        assert_eq!(text(&client, &path).await, "second");
    });
}

#[test]
fn a_proxy_makes_faults_and_logs_requests() {
    let test = "a_proxy_makes_faults_and_logs_requests";
    let mut seen = Vec::new();
    for remote in Remote::all_with_conditions(test) {
        let (remote, proxy) = remote.behind_proxy();
        let client = remote.client(3);
        proxy.add(Rule::first("PUT", "refused", Fault::Refuse(500)));
        proxy.add(Rule::first("PUT", "lost", Fault::LoseAnswer));
        proxy.add(Rule::first("PUT", "replaced", Fault::Replace(500)));
        proxy.add(Rule::first("PUT", "conflict", Fault::Conflict));
        proxy.add(Rule::every(2, "GET", "busy", Fault::Refuse(503)));
        let gate = Gate::closed();
        proxy.add(Rule::nth(2, "PUT", "stalled", Fault::Stall(gate.clone())));
        RUNTIME.block_on(async {
            let mut line = format!("{:?}:", remote.kind);
            for name in ["refused", "lost", "replaced", "conflict"] {
                let path = remote.path(name);
                let created = outcome(&create(&client, &path, name).await);
                let there = if client.head(&path).await.is_ok() { "there" } else { "not there" };
                let requests = proxy.count("PUT", name);
                let _ = write!(line, " {name} {created}, {there}, {requests} requests;");
            }
            seen.push(line);
            let path = remote.path("busy");
            client.put(&path, "x".into()).await.unwrap();
            for _ in 0..3 {
                assert_eq!(text(&client, &path).await, "x");
            }
            assert_eq!(proxy.count("GET", "busy"), 5, "{:?}", remote.kind);

            let path = remote.path("stalled");
            client.put(&path, "first".into()).await.unwrap();
            let (other, to) = (Arc::clone(&client), path.clone());
            let put = tokio::spawn(async move { other.put(&to, "second".into()).await });
            proxy.wait_for(2, "PUT", "stalled");
            assert_eq!(text(&client, &path).await, "first", "{:?}", remote.kind);
            gate.open();
            put.await.unwrap().unwrap();
            assert_eq!(text(&client, &path).await, "second", "{:?}", remote.kind);
        });
        let urls: Vec<String> = proxy.seen().into_iter().map(|seen| seen.uri).collect();
        assert!(urls.iter().all(|url| SECRETS.iter().all(|secret| !url.contains(secret))), "{urls:?}");
        // The account of the stand-in has no token.
        let is_signed = proxy.seen().iter().all(|seen| seen.header("authorization").is_some());
        assert_eq!(is_signed, remote.kind != Kind::Gcs, "{:?}", remote.kind);
    }
    // A client that repeats a creation cannot tell its own success from that of another, and takes a conflict
    // for one.
    let expected = "refused ok, there, 2 requests; lost already exists, there, 2 requests; \
                    replaced already exists, there, 2 requests; \
                    conflict already exists, not there, 1 requests;";
    for line in seen {
        assert_eq!(line.split_once(": ").expect("a kind").1, expected, "{line}");
    }
}
