//! Which module an `import` means: k6's own, or a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Exception, Module, Result};

use super::modules;
use super::script::{Script, normal};

/// Finds modules for one virtual user.
#[derive(Debug, Clone)]
pub(super) struct Modules(pub(super) Arc<Script>);

impl Resolver for Modules {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        if modules::is_own(name) {
            return Ok(name.to_owned());
        }
        match file_of(Path::new(base), name) {
            Ok(path) => path
                .into_os_string()
                .into_string()
                .map_err(|_| Error::new_resolving(base, name)),
            Err(problem) => Err(Exception::throw_message(ctx, &problem)),
        }
    }
}

impl Loader for Modules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if let Some(module) = modules::declare(ctx, name) {
            return module;
        }
        let source = self.0.file(Path::new(name)).map_err(|error| {
            Exception::throw_message(
                ctx,
                &format!("cannot import {name:?}: {error}; is the path right?"),
            )
        })?;
        Module::declare(ctx.clone(), name, &*source)
    }
}

/// The file that `name` means in the module `base`.
fn file_of(base: &Path, name: &str) -> std::result::Result<PathBuf, String> {
    let refused = |why: &str| Err(format!("cannot import {name:?}: {why}"));
    if name == "k6" || name.starts_with("k6/") {
        return refused(&format!("proxima-load has only {}", modules::names()));
    }
    if name.starts_with("https://") || name.starts_with("http://") {
        return refused(
            "proxima-load loads nothing over the network; save it beside the script and import that file",
        );
    }
    let path = name.strip_prefix("file://").unwrap_or(name);
    if !(path.starts_with('/') || path.starts_with("./") || path.starts_with("../")) {
        return refused(
            "a file's name begins with ./, ../ or /; there are no packages (bundle them into the script)",
        );
    }
    if path.ends_with(".ts") {
        return refused("proxima-load runs JavaScript only; compile TypeScript first");
    }
    Ok(normal(&base.parent().unwrap_or(Path::new("/")).join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_relative_to_the_file_that_has_them() {
        for (name, path) in [
            ("./a.js", "/test/lib/a.js"),
            ("../a.js", "/test/a.js"),
            ("/x/../a.js", "/a.js"),
            ("file:///b.js", "/b.js"),
        ] {
            assert_eq!(
                file_of(Path::new("/test/lib/main.js"), name),
                Ok(PathBuf::from(path)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_cannot_be_imported_is_refused_with_a_way_out() {
        for (name, way_out) in [
            ("k6/browser", "proxima-load has only k6, k6/http"),
            ("https://jslib.k6.io/x.js", "save it beside the script"),
            ("lodash", "begins with ./"),
            ("./a.ts", "compile TypeScript first"),
        ] {
            let problem = file_of(Path::new("/main.js"), name).unwrap_err();
            assert!(problem.contains(way_out), "{name}: {problem}");
        }
    }
}
