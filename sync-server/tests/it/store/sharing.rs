//! What was uploaded to one server is read by another that shares the store, and by nobody once it has its outcome.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::job::{JobId, JobKind, NewItem};
use ostiary_server::jobs::Jobs;
use ostiary_server::jobs::feed::Feed;
use ostiary_server::jobs::filling::Order;
use ostiary_server::jobs::sharing::{NotHere, Sharing};
use ostiary_server::jobs::spool::Spool;
use ostiary_server::jobs::under_way::UnderWay;
use ostiary_server::ports::Clock;
use ostiary_server::ports::jobs::JobStore;
use ostiary_server::store::sql::SqlStore;

use super::place::{Place, on_both};
use super::sample::NOW;

on_both!(an_upload_is_read_where_it_was_not_sent);

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        NOW
    }
}

fn server(place: &Place, store: &Arc<SqlStore>, name: &str) -> Arc<Jobs> {
    Arc::new(Jobs {
        store: store.clone(),
        spool: Spool::open(place.folder().join(name)).unwrap(),
        sharing: Some(Sharing::new(store.clone())),
        under_way: UnderWay::default(),
        feed: Feed::default(),
        clock: Arc::new(Still),
        node: name.to_owned(),
        keep: Duration::from_secs(3_600),
    })
}

async fn an_upload_is_read_where_it_was_not_sent(place: Place) {
    let store = Arc::new(place.open().await);
    let (here, there) = (server(&place, &store, "here"), server(&place, &store, "there"));
    let order = Order { kind: JobKind::Photos, account: None, person: None, uploads: true, plan: b"plan".to_vec() };
    let mut filling = here.begin(order).await.unwrap();
    // More than one piece, and a small one.
    let files = [vec![7_u8; 600_000], vec![9; 10]];
    for (n, file) in (0..).zip(&files) {
        let upload = filling.upload(n).await.unwrap();
        upload.write(Bytes::from(file.clone()), u64::MAX).await.unwrap().finish().await.unwrap();
        filling.add(NewItem { phase: 0, parent: None, task: b"task".to_vec() }).await.unwrap();
    }
    let job = filling.release().await.unwrap();
    assert_eq!(store.job(job).await.unwrap().unwrap().node, "", "every server may do the work");

    let key = Arc::new(store.job_key(job).await.unwrap().unwrap());
    for (n, file) in (0..).zip(&files) {
        assert!(there.spool.read(job, n, key.clone()).await.is_err(), "it was never sent there");
        // Several items of an archive ask for it at once.
        let asked = tokio::join!(there.bring(job, n), there.bring(job, n), here.bring(job, n));
        assert!(matches!(asked, (Ok(()), Ok(()), Ok(()))), "{asked:?}");
        assert_eq!(there.spool.read(job, n, key.clone()).await.unwrap(), *file);
    }
    assert!(matches!(there.bring(job, 2).await, Err(NotHere::Gone)));
    assert!(matches!(there.bring(JobId::generate(), 0).await, Err(NotHere::Gone)));
    assert_eq!(there.spool.files(job).await.unwrap().len(), 2, "what could not be brought leaves nothing");

    assert!(here.cancel(job).await.unwrap());
    let third = server(&place, &store, "third");
    assert!(matches!(third.bring(job, 0).await, Err(NotHere::Gone)), "it went with the job");
    there.forget(NOW).await.unwrap();
    assert!(there.spool.jobs().await.is_empty(), "and so do copies");
    store.close().await;
}
