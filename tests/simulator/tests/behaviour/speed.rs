//! How fast it is; the numbers are printed, and only asked for by hand: `cargo test --profile quick -- --ignored --nocapture speed`.

use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Rig, send};

const INSERTS: u32 = 100_000;
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement"]
async fn inserts_and_keyset_paging() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let body = json!({"short_description": "speed", "correlation_id": "k"}).to_string();
    // A client as cheap as possible: pipelined requests over plain connections.
    let request = format!(
        "POST /api/now/table/incident?sysparm_fields=sys_id HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (address, batch) = (rig.dev1.trim_start_matches("http://").to_owned(), request.repeat(AT_ONCE));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let mut chunk = vec![0_u8; 1 << 16];
                for _ in 0..usize::try_from(INSERTS).unwrap() / 4 / AT_ONCE {
                    stream.write_all(batch.as_bytes()).await.unwrap();
                    let mut answers = 0;
                    while answers < AT_ONCE {
                        let read = stream.read(&mut chunk).await.unwrap();
                        answers += chunk[..read].windows(10).filter(|bytes| *bytes == b"{\"sys_id\":").count();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    println!("{INSERTS} inserts: {:.0} a second, client included", f64::from(INSERTS) / begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let (mut last, mut read) = (String::new(), 0_u32);
    loop {
        let query = format!("sys_id>{last}^ORDERBYsys_id");
        let page = send(
            rig.get("/api/now/table/incident?sysparm_limit=1000&sysparm_no_count=true", &token)
                .query(&[("sysparm_query", query)]),
        )
        .await
        .json();
        let Some(row) = page["result"].as_array().unwrap().last().cloned() else { break };
        read += u32::try_from(page["result"].as_array().unwrap().len()).unwrap();
        row["sys_id"].as_str().unwrap().clone_into(&mut last);
    }
    println!(
        "{read} records listed with all fields: {:.0} a second, parsing included",
        f64::from(read) / begun.elapsed().as_secs_f64()
    );
}
