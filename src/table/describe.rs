//! Describes the tables for programs: the output of the `schema` command.

use arrow::datatypes::DataType;
use serde_json::{Map, Value, json};

use super::schema::{Column, Kind, SCHEMA_VERSION, Table};

/// Format of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaFormat {
    /// Arrow fields, in the JSON form of Arrow's integration tests.
    Arrow,
    /// JSON Schema (draft 2020-12) of the lines of JSONL files.
    JsonSchema,
}

/// Describes all tables and their columns.
pub fn schema_document(format: SchemaFormat) -> Value {
    match format {
        SchemaFormat::Arrow => arrow(),
        SchemaFormat::JsonSchema => json_schema(),
    }
}

fn arrow() -> Value {
    let field = |column: &Column| {
        json!({
            "name": column.name,
            "type": arrow_type(&column.kind.arrow()),
            "nullable": true,
            "children": [],
            "metadata": [
                {"key": "chatzy:kind", "value": column.kind.name()},
                {"key": "chatzy:never_null", "value": (!column.nullable).to_string()},
                {"key": "chatzy:meaning", "value": column.meaning},
            ],
        })
    };
    let table = |table: Table| json!({"name": table.name(), "fields": table.columns().iter().map(field).collect::<Vec<_>>()});
    json!({"schema_version": SCHEMA_VERSION, "tables": Table::ALL.map(table)})
}

fn arrow_type(data_type: &DataType) -> Value {
    match data_type {
        DataType::Int64 => json!({"name": "int", "bitWidth": 64, "isSigned": true}),
        DataType::Boolean => json!({"name": "bool"}),
        DataType::Timestamp(_, zone) => {
            json!({"name": "timestamp", "unit": "MICROSECOND", "timezone": zone.as_deref()})
        }
        _ => json!({"name": "utf8"}),
    }
}

fn json_schema() -> Value {
    let tables: Map<String, Value> =
        Table::ALL.into_iter().map(|table| (table.name().to_owned(), line_schema(table))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("chatzy-export, schema version {SCHEMA_VERSION}: a line of each table's JSONL files"),
        "$defs": tables,
    })
}

fn line_schema(table: Table) -> Value {
    let properties: Map<String, Value> =
        table.columns().iter().map(|column| (column.name.to_owned(), property(column))).collect();
    // Files that are partitioned by channel have that column only in their path.
    let required: Vec<_> =
        table.columns().iter().map(|column| column.name).filter(|name| *name != "channel").collect();
    json!({"type": "object", "description": table.meaning(), "properties": properties, "required": required})
}

fn property(column: &Column) -> Value {
    let mut property = value_schema(column);
    property["description"] = column.meaning.into();
    property["examples"] = json!([example(column)]);
    property
}

/// Returns the example as the value in a line of JSONL.
fn example(column: &Column) -> Value {
    match column.kind {
        Kind::Str | Kind::Ts => column.example.into(),
        Kind::Int | Kind::Bool | Kind::Json => serde_json::from_str(column.example).unwrap_or_default(),
    }
}

fn value_schema(column: &Column) -> Value {
    let or_null = |name: &str| if column.nullable { json!([name, "null"]) } else { json!(name) };
    match column.kind {
        Kind::Str => json!({"type": or_null("string")}),
        Kind::Ts => json!({"type": or_null("string"), "format": "date-time"}),
        Kind::Int => json!({"type": or_null("integer"), "minimum": i64::MIN, "maximum": i64::MAX}),
        Kind::Bool => json!({"type": or_null("boolean")}),
        // `extra` is an object. `raw` is any value, even null.
        Kind::Json if column.nullable => json!({"type": ["object", "null"]}),
        Kind::Json => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::{SchemaFormat, schema_document};

    #[test]
    fn schema_documents() {
        let arrow = schema_document(SchemaFormat::Arrow);
        assert_eq!(arrow["tables"][3]["fields"].as_array().unwrap().len(), 28);
        insta::assert_snapshot!(arrow["tables"][0]["fields"][5], @r#"{"children":[],"metadata":[{"key":"chatzy:kind","value":"ts"},{"key":"chatzy:never_null","value":"false"},{"key":"chatzy:meaning","value":"Creation of the contact."}],"name":"created_at","nullable":true,"type":{"name":"timestamp","timezone":"UTC","unit":"MICROSECOND"}}"#);
        let lines = schema_document(SchemaFormat::JsonSchema);
        let coverage = &lines["$defs"]["coverage"];
        assert_eq!(coverage["type"], "object");
        insta::assert_snapshot!(coverage["required"], @r#"["contact_id","status","messages","pages","requests","retries","rereads","end","first_message_at","last_message_at","fetch_started_at","fetch_finished_at","error","input_line","exported_at","run_id"]"#);
        let required = lines["$defs"]["messages"]["required"].as_array().unwrap();
        assert!(required.len() == 14 && !required.contains(&"channel".into()), "{required:?}");
        let property = |table: &str, column: &str| lines["$defs"][table]["properties"][column].to_string();
        insta::assert_snapshot!(property("coverage", "contact_id"), @r#"{"description":"ID of the contact, as requested.","examples":["0e56f030-2a0f-41a6-bbff-856264595233"],"type":"string"}"#);
        insta::assert_snapshot!(property("coverage", "pages"), @r#"{"description":"Pages of the history that were read.","examples":[5],"maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"}"#);
        insta::assert_snapshot!(property("coverage", "fetch_started_at"), @r#"{"description":"Time of the first request for the contact.","examples":["2026-11-20T02:00:01.250000Z"],"format":"date-time","type":["string","null"]}"#);
        insta::assert_snapshot!(property("coverage", "exported_at"), @r#"{"description":"Start of the run that wrote the row.","examples":["2026-11-20T02:00:00.000000Z"],"format":"date-time","type":"string"}"#);
        insta::assert_snapshot!(property("contacts", "is_frozen"), @r#"{"description":"True if the contact is frozen.","examples":[false],"type":["boolean","null"]}"#);
        insta::assert_snapshot!(property("messages", "extra"), @r#"{"description":"Fields without a column, and values that do not fit their column, as one object.","examples":[{"is_deleted":null,"sentiment":{"labels":["upset"],"score":0.87}}],"type":["object","null"]}"#);
        insta::assert_snapshot!(property("channel_records", "raw"), @r#"{"description":"The record as received.","examples":[{"created_at":"2024-01-11T10:59:18.224Z","data":{"id":"wamid.HBgMYJG2kKib42VUvhNGrWAM0R3WOxyaFvEj","recipient_id":"33209249744","status":"read","timestamp":"1704970757"},"status":"read"}]}"#);
    }
}
