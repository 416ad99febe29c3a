//! Every column of a simulated account arrives.

use super::Case;
use crate::support::export::Export;
use crate::support::service::Service;
use crate::warehouse::files::rows_in_files;
use crate::warehouse::state::{Kinds, State};

pub fn every_column_arrives(case: &Case) {
    let service = Service::start("");
    let contacts = (0..6).map(|at| format!("messages-{}-{at}", 30 + at)).chain(["empty-x".to_owned()]);
    let export = Export::run_of(service.url(), contacts).args(case.layout);
    export.expect(0);
    let kinds = Kinds::of(export.out_path());
    let files = rows_in_files(export.out_path(), &kinds);
    let expected = State::of(files.into_iter().map(|((_, table), rows)| (table, rows)).collect(), &kinds);

    let warehouse = case.warehouse();
    let loaded = warehouse.try_script(&case.merge(&export, ""));
    loaded.unwrap_or_else(|error| panic!("{}", case.told(&error)));
    let state = State::within(&warehouse.database, warehouse.prefix(), &kinds);
    state.assert_is(&expected, &case.told("a simulated account"));
}
