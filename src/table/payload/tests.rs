//! Tests with records as Meta's platforms send them, in every envelope.

use super::with_lifted;
use crate::table::tests::value;

/// Returns the lifted columns, one `name=value` each.
fn lifted(record: &str) -> String {
    with_lifted(value(record), |lifted| {
        let mut columns = vec![format!("event_type={}", lifted.event_type.as_str())];
        let mut put =
            |name: &str, value: Option<&str>| columns.extend(value.map(|value| format!("{name}={value}")));
        put("status", lifted.status.as_deref());
        put("created_at", lifted.created_at.map(|time| time.to_string()).as_deref());
        put("event_at", lifted.event_at.map(|time| time.to_string()).as_deref());
        put("message_type", lifted.message_type.as_deref());
        put("direction", lifted.direction.map(super::Direction::as_str));
        put("platform_message_id", lifted.platform_message_id.as_deref());
        put("related_message_id", lifted.related_message_id.as_deref());
        put("sender_id", lifted.sender_id.as_deref());
        put("recipient_id", lifted.recipient_id.as_deref());
        put("text", lifted.text.as_deref());
        put("template_name", lifted.template_name.as_deref());
        put("media_id", lifted.media_id.as_deref());
        put("media_url", lifted.media_url.as_deref());
        put("media_mime_type", lifted.media_mime_type.as_deref());
        put("error_code", lifted.error_code.map(|code| code.to_string()).as_deref());
        put("error_title", lifted.error_title.as_deref());
        put("error_details", lifted.error_details.as_deref());
        put("pricing_category", lifted.pricing_category.as_deref());
        columns.join(" ")
    })
}

const STATUS: &str = r#"{"id":"wamid.1","status":"failed","timestamp":"1752577991","recipient_id":"49123",
    "pricing":{"category":"utility"},"errors":[{"code":131047,"title":"Re-engagement","error_data":{"details":"24 h"}}]}"#;
const TEXT: &str =
    r#"{"from":"49123","id":"wamid.2","timestamp":"1752577991","type":"text","text":{"body":"hi"}}"#;

#[test]
fn a_whatsapp_status_in_every_envelope() {
    let columns = "event_type=status status=failed event_at=1752577991000000 direction=outbound \
        platform_message_id=wamid.1 recipient_id=49123 error_code=131047 error_title=Re-engagement \
        error_details=24 h pricing_category=utility";
    for envelope in [
        "{0}",
        r#"{"statuses":[{0}]}"#,
        r#"{"entry":[{"changes":[{"value":{"statuses":[{0}],"messages":[{"id":"x"}]}}]}]}"#,
        r#"{"entry":[{"changes":[{"value":{0}}]}],"messaging":[{}]}"#,
        r#"{"messaging":[{0}],"statuses":[{}]}"#,
        r#"{"entry":[{"messaging":[{0}]}]}"#,
        r#"{"entry":[{"standby":[{0}]}]}"#,
        r#"{"entry":[],"messaging":[null],"statuses":[{0},{}]}"#,
    ] {
        let inner = envelope.replace("{0}", STATUS);
        assert_eq!(lifted(&inner), columns, "{envelope}");
        assert_eq!(lifted(&format!(r#"{{"data":{inner}}}"#)), columns, "data of {envelope}");
        let string = serde_json::to_string(&inner).unwrap();
        assert_eq!(lifted(&format!(r#"{{"data":{string}}}"#)), columns, "text of {envelope}");
        assert_eq!(lifted(&format!(r#"{{"data":"no","entry":[{{"messaging":[{STATUS}]}}]}}"#)), columns);
    }
}

#[test]
fn the_records_own_status_and_time_come_first() {
    insta::assert_snapshot!(
        lifted(&format!(r#"{{"status":"read","created_at":"2025-07-15T11:13:11Z","data":{TEXT}}}"#)),
        @"event_type=message status=read created_at=1752577991000000 event_at=1752577991000000 message_type=text direction=inbound platform_message_id=wamid.2 sender_id=49123 text=hi"
    );
    insta::assert_snapshot!(lifted(r#"{"status":null,"created_at":"x","data":{"message_status":"accepted"}}"#), @"event_type=unknown status=accepted");
    insta::assert_snapshot!(lifted(r#"{"status":"sent","data":null}"#), @"event_type=unknown status=sent");
}

#[test]
fn whatsapp_messages() {
    let lifted_fields = [
        r#"{"contacts":[{"wa_id":"49123"}],"metadata":{},"messages":[{"from":"US.1349","id":"w","type":"image","image":{"id":"i","mime_type":"image/png","caption":"c","link":"l"}}]}"#,
        r#"{"from":"1","id":"w","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"x","title":"T"}},"context":{"from":"2","id":"w0"}}"#,
        r#"{"from":"1","id":"w","type":"button","button":{"text":"Yes","payload":"p"}}"#,
        r#"{"from":"1","id":"w","type":"reaction","reaction":{"message_id":"w0","emoji":"👍"}}"#,
        r#"{"to":"1","type":"template","template":{"name":"hello"}}"#,
        r#"{"from":"1","id":"w","type":"contacts","contacts":[{"name":{}}]}"#,
        r#"{"messaging_product":"whatsapp","contacts":[{"input":"+1","wa_id":"1"}],"messages":[{"id":"w","message_status":"accepted"}]}"#,
        r#"{"errors":[{"code":"131000","message":"m"}]}"#,
        r#"{"errors":[{"code":"x"},{"code":1}],"status":"failed"}"#,
    ]
    .map(lifted);
    insta::assert_snapshot!(lifted_fields.join("\n"), @r#"
    event_type=message message_type=image direction=inbound platform_message_id=w sender_id=US.1349 text=c media_id=i media_url=l media_mime_type=image/png
    event_type=message message_type=interactive direction=inbound platform_message_id=w related_message_id=w0 sender_id=1 text=T
    event_type=message message_type=button direction=inbound platform_message_id=w sender_id=1 text=Yes
    event_type=reaction message_type=reaction direction=inbound platform_message_id=w related_message_id=w0 sender_id=1 text=👍
    event_type=unknown message_type=template template_name=hello
    event_type=message message_type=contacts direction=inbound platform_message_id=w sender_id=1
    event_type=send_ack status=accepted direction=outbound platform_message_id=w recipient_id=1
    event_type=error error_code=131000 error_title=m
    event_type=error status=failed
    "#);
}

#[test]
fn instagram_and_messenger_events() {
    let around = r#""sender":{"id":"s"},"recipient":{"id":"r"},"timestamp":1752577991000"#;
    let lifted_fields = [
        r#""message":{"mid":"m","text":"hi","reply_to":{"mid":"m0"}}"#,
        r#""message":{"mid":"m","attachments":[{"type":"image","payload":{"url":"u"}}]}"#,
        r#""message":{"mid":"m","text":"hi","is_echo":true}"#,
        r#""reaction":{"mid":"m0","action":"react","emoji":"❤","reaction":"love"}"#,
        r#""read":{"mid":"m0"}"#,
        r#""read":{"watermark":5}"#,
        r#""delivery":{"mids":["m1","m2"],"watermark":5}"#,
        r#""postback":{"mid":"m","title":"Start","payload":"p"}"#,
        r#""referral":{"ref":"x"}"#,
        r#""message_edit":{"mid":"m0","text":"new"}"#,
        r#""something":{}"#,
    ]
    .map(|event| lifted(&format!("{{{around},{event}}}")));
    insta::assert_snapshot!(lifted_fields.join("\n"), @r#"
    event_type=message event_at=1752577991000000 message_type=text direction=inbound platform_message_id=m related_message_id=m0 sender_id=s recipient_id=r text=hi
    event_type=message event_at=1752577991000000 message_type=image direction=inbound platform_message_id=m sender_id=s recipient_id=r media_url=u
    event_type=echo event_at=1752577991000000 message_type=text direction=outbound platform_message_id=m sender_id=s recipient_id=r text=hi
    event_type=reaction event_at=1752577991000000 direction=inbound related_message_id=m0 sender_id=s recipient_id=r text=❤
    event_type=read event_at=1752577991000000 related_message_id=m0 sender_id=s recipient_id=r
    event_type=read event_at=1752577991000000 sender_id=s recipient_id=r
    event_type=delivery event_at=1752577991000000 platform_message_id=m1 sender_id=s recipient_id=r
    event_type=postback event_at=1752577991000000 direction=inbound platform_message_id=m sender_id=s recipient_id=r text=Start
    event_type=referral event_at=1752577991000000 sender_id=s recipient_id=r
    event_type=edit event_at=1752577991000000 related_message_id=m0 sender_id=s recipient_id=r text=new
    event_type=unknown event_at=1752577991000000 sender_id=s recipient_id=r
    "#);
}

#[test]
fn events_without_a_sender_have_no_direction() {
    insta::assert_snapshot!(lifted(r#"{"message":{"mid":"m"}}"#), @"event_type=message platform_message_id=m");
}

#[test]
fn unrecognized_records_have_no_columns() {
    for record in [
        "null",
        "7",
        "\"{}\"",
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"a":{"status":"sent"}}"#,
        r#"{"data":"{x"}"#,
    ] {
        assert!(with_lifted(value(record), |lifted| *lifted == super::Lifted::default()), "{record}");
    }
    // Wrong types in place of objects or arrays.
    let odd = r#"{"from":7,"timestamp":true,"type":{"a":1},"text":"t","message":[],"errors":{},"sender":"s","context":1,"reaction":false}"#;
    insta::assert_snapshot!(lifted(odd), @r#"event_type=message message_type={"a":1} direction=inbound sender_id=7"#);
}
