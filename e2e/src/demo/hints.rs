//! What a newcomer can try while the demo goes on.

use super::print::{heading, try_next};
use crate::server::{LOGIN, PASSWORD, Server};
use crate::stage::Stage;

/// Prints lines that can be copied into another terminal.
pub fn print(stage: &Stage, server: &Server) {
    let ca = stage.file("ca.pem").display().to_string();
    let (host, port) = server.endpoints.mqtts.rsplit_once(':').unwrap_or((&server.endpoints.mqtts, "8883"));
    let password = server.monitor_password_file().display().to_string();
    let base = format!("https://{}", server.endpoints.https);
    heading("It goes on until you press Ctrl-C. In another terminal:");
    try_next(
        "watch what the doors see, over MQTT (package mosquitto-clients)",
        &format!(
            "mosquitto_sub -V mqttv5 -h {host} -p {port} --cafile {ca} -u monitor -P \"$(cat {password})\" \
             -t 'ostiary/v1/+/+/seen' -v"
        ),
    );
    let login = format!("'{{\"login\":\"{LOGIN}\",\"password\":\"{PASSWORD}\"}}'");
    let cut = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    try_next(
        "log in",
        &format!(
            "TOKEN=$(curl -s --cacert {ca} {base}/api/v1/auth/login -H 'content-type: application/json' -d {login} | {cut})"
        ),
    );
    let curl = format!("curl -s --cacert {ca} -H \"Authorization: Bearer $TOKEN\"");
    try_next("the last visits", &format!("{curl} '{base}/api/v1/events?limit=3'"));
    try_next("who is enrolled, and on how many doors", &format!("{curl} {base}/api/v1/persons"));
    try_next("everything the API can do", &format!("curl -s --cacert {ca} {base}/api/v1/openapi.json -o openapi.json"));
    heading("Visits from here on");
}
