//! Statements that make a session fail.

use super::dialect::{Dialect, literal};

/// Makes the shell of DuckDB stop at the first error. The shell ends the comment at the first `*/`, skips the
/// line and obeys the next one. DuckDB itself nests comments, so it ignores all three lines.
pub(super) const STOP_AT_ERRORS: &str =
    "/* /* The shell of DuckDB stops at the first error. */\n.bail on\n-- */\n";

/// Returns a script that fails with this message, whatever characters it contains.
pub fn failing(dialect: Dialect, message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match dialect {
        Dialect::DuckDb => format!("{STOP_AT_ERRORS}SELECT error({});\n", literal(&line)),
        Dialect::Postgres => {
            // Safe with standard_conforming_strings on or off. Without a dollar the text cannot end the
            // block.
            let escaped = line.replace('\\', r"\\").replace('\'', "''").replace('$', r"\x24");
            format!(
                "\\set ON_ERROR_STOP on\n\\set VERBOSITY terse\n\
                 DO $chatzy$ BEGIN RAISE EXCEPTION USING MESSAGE = E'{escaped}'; END $chatzy$;\n"
            )
        }
    }
}

/// Returns a statement that fails with a number and this message if a query returns more than zero.
pub(super) fn fail_if(dialect: Dialect, count: &str, message: &str) -> String {
    match dialect {
        Dialect::DuckDb => format!(
            "SET VARIABLE chatzy_check = (\n    SELECT CASE WHEN wrong > 0 THEN error(wrong || ' {message}') END FROM (SELECT (\n{count}) AS wrong));\n"
        ),
        Dialect::Postgres => format!(
            "DO $$
DECLARE wrong bigint;
BEGIN
    wrong := (\n{count});
    IF wrong > 0 THEN
        RAISE EXCEPTION '% {message}', wrong;
    END IF;
END $$;\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_end_its_literal() {
        let message = "a'b\\'; $chatzy$ $$ :x\n\\! id";
        insta::assert_snapshot!(failing(Dialect::Postgres, message), @r"
        \set ON_ERROR_STOP on
        \set VERBOSITY terse
        DO $chatzy$ BEGIN RAISE EXCEPTION USING MESSAGE = E'a''b\\''; \x24chatzy\x24 \x24\x24 :x \\! id'; END $chatzy$;
        ");
        insta::assert_snapshot!(failing(Dialect::DuckDb, message), @r"
        /* /* The shell of DuckDB stops at the first error. */
        .bail on
        -- */
        SELECT error('a''b\''; $chatzy$ $$ :x \! id');
        ");
    }
}
