//! Reference sections of the commands with their arguments and options, from their clap definitions.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::table;
use crate::cli::args::Cli;

/// Options under one heading of the help.
struct Group {
    heading: String,
    rows: Vec<Vec<String>>,
}

/// Returns a list of the commands, and a section per command.
pub(super) fn sections() -> Vec<(String, String)> {
    let mut program = Cli::command().disable_help_subcommand(true).disable_version_flag(true);
    program.build();
    let commands: Vec<&Command> = program.get_subcommands().collect();
    let rows = commands.iter().map(|command| {
        let name = command.get_name();
        vec![format!("[`{name}`](#{name})"), text(command.get_about())]
    });
    let mut sections = vec![("commands".to_owned(), table(&["command", "purpose"], rows))];
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for command in commands {
        let name = command.get_name().to_owned();
        let usage = command.clone().render_usage().to_string();
        let mut section = format!("```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
        for group in groups(command) {
            section.push_str(&group_text(&name, group, &mut known));
        }
        sections.push((format!("options of {name}"), section));
    }
    sections
}

/// Returns a table of options that are new in this command, and a line per earlier command with the same
/// options.
fn group_text(command: &str, group: Group, known: &mut Vec<(String, Vec<String>)>) -> String {
    let mut section = format!("\n**{}**\n", group.heading);
    let mut same: Vec<(String, Vec<String>)> = Vec::new();
    let mut rows = Vec::new();
    for row in group.rows {
        match known.iter().find(|(_, known)| *known == row) {
            Some((of, _)) => match same.iter_mut().find(|(command, _)| command == of) {
                Some((_, names)) => names.push(row[0].clone()),
                None => same.push((of.clone(), vec![row[0].clone()])),
            },
            None => rows.push(row),
        }
    }
    if !rows.is_empty() {
        known.extend(rows.iter().map(|row| (command.to_owned(), row.clone())));
        section.push('\n');
        section.push_str(&table(&["option", "default", "meaning"], rows));
    }
    for (of, names) in same {
        // Writing to a string cannot fail.
        let _ = writeln!(section, "\nThe same as for [`{of}`](#{of}): {}.", names.join(", "));
    }
    section
}

fn groups(command: &Command) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let is_shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    for arg in command.get_arguments().filter(is_shown) {
        let heading = match arg.get_help_heading() {
            _ if arg.is_positional() => "Arguments",
            heading => heading.unwrap_or("Options"),
        };
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.rows.push(row(arg)),
            None => groups.push(Group { heading: heading.to_owned(), rows: vec![row(arg)] }),
        }
    }
    groups
}

fn row(arg: &Arg) -> Vec<String> {
    let (meaning, default) = meaning(arg);
    vec![name(arg), default, meaning]
}

fn name(arg: &Arg) -> String {
    let takes_value = arg.get_action().takes_values();
    let value = arg.get_value_names().and_then(|names| names.first()).filter(|_| takes_value);
    let Some(long) = arg.get_long() else {
        return format!("`{}`", value.map_or(arg.get_id().as_str(), |value| value.as_str()));
    };
    let long = format!("--{long}{}", value.map(|value| format!(" {value}")).unwrap_or_default());
    arg.get_short().map_or_else(|| format!("`{long}`"), |short| format!("`-{short}`, `{long}`"))
}

/// Returns the meaning, with possible values and environment variable, and the default.
fn meaning(arg: &Arg) -> (String, String) {
    let help = text(arg.get_long_help().or(arg.get_help()));
    let parts: Vec<_> = help.split(" [default: ").collect();
    let (mut meaning, mut default) = match parts.as_slice() {
        [before, rest] => match rest.split_once(']') {
            Some((default, after)) => ([before, after].concat(), (*default).to_owned()),
            None => (help, String::new()),
        },
        // If there are several defaults, each stays in its place in the text.
        _ => (help, String::new()),
    };
    if arg.get_action().takes_values() {
        let values = arg.get_possible_values();
        let values = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
            let help = value.get_help().map(|help| format!(" ({})", text(Some(help))));
            format!("`{}`{}", value.get_name(), help.unwrap_or_default())
        });
        let values: Vec<_> = values.collect();
        if !values.is_empty() {
            meaning = format!("{meaning}: {}", values.join(", "));
        }
        let defaults = arg.get_default_values().iter().map(|value| format!("`{}`", value.display()));
        let defaults = defaults.collect::<Vec<_>>().join(", ");
        if !defaults.is_empty() {
            default = defaults;
        }
    }
    if let Some(variable) = arg.get_env() {
        meaning = format!("{meaning} (`{}`)", variable.display());
    }
    if arg.is_required_set() { (meaning, "required".to_owned()) } else { (meaning, default) }
}

/// Returns a help text in one line.
fn text(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let paragraphs =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join(". ").replace(".. ", ". ")
}
