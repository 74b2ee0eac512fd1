use super::*;

fn value(text: &str) -> Value {
    exported(text, "ts", Path::new("nowhere")).unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn every_way_to_export_is_followed() {
    for script in [
        "export default { url: 'u' }",
        "module.exports = { url: 'u' };",
        "const config: Config = { url: 'u' }; export default config;",
        "const config = { url: 'u' }; module.exports = config;",
        "export default { url: 'u' } satisfies Config;",
        "export default (({ url: 'u' }) as Config)!;",
        "export default async function createConfig() { const url = 'u'; return { url }; }",
        "export default function () { return { url: 'u' } }",
        "module.exports = async () => ({ url: 'u' });",
        "module.exports = function () { return { 'url': `u` } };",
        "async function createConfig() { return { url: 'u' } } module.exports = createConfig;",
        "function createConfig() { return { url: 'u' } } export default createConfig();",
        "exports.default = { url: 'u' }",
        "const base = { url: 'v', a: 1 }; export default { ...base, url: 'u' }",
        "export default { ['u' + 'rl']: 'u' }",
    ] {
        assert_eq!(value(script).get("url"), text("u"), "{script}");
    }
}

#[test]
fn literals_are_followed_through_names_and_operators() {
    let check = |expression: &str, expected: Value| {
        let script = format!(
            "const a = 'x', o = {{ k: [true, 'y'] }}; export default {{ v: {expression} }}"
        );
        assert_eq!(value(&script).get("v"), expected, "{expression}");
    };
    check("a", text("x"));
    check("`${a}-${o.k[1]}`", text("x-y"));
    check("a + '/'", text("x/"));
    check("o['k'][0]", Value::Bool(true));
    check("!o.k[0]", Value::Bool(false));
    check("undefined", Value::Nothing);
    check("-1", Value::Number(-1.0));
    check("[...o.k, null]", Value::List(vec![Value::Bool(true), text("y"), Value::Nothing]));
    check("process.env.NODE_ENV === 'production' ? a : 'dev'", text("x"));
    check("false || a", text("x"));
    check("undefined ?? a", text("x"));
    check("require.resolve('./sidebars.js')", text("./sidebars.js"));
    check("path.join(__dirname, 'docs')", text("./docs"));
    check("[false && a, a, null].filter(Boolean)", Value::List(vec![text("x")]));
    check("() => 1", Value::Function);
}

#[test]
fn what_is_computed_is_unknown_with_its_line_and_what_it_may_be() {
    let script = "export default {\n  a: process.env.A,\n  b: process.env.B || 'b',\n  c: f(1),\n}";
    let config = value(script);
    assert_eq!(config.get("a"), Value::unknown(2));
    assert_eq!(config.get("b"), Value::Unknown { line: 3, likely: Some(Box::new(text("b"))) });
    assert_eq!(config.get("c"), Value::unknown(4));
    let spread = value("export default {\n  ...other(1),\n  a: 1 }");
    assert_eq!((spread.get("a"), spread.get("b")), (Value::Number(1.0), Value::unknown(2)));
}

#[test]
fn names_that_stand_for_each_other_come_to_an_end() {
    assert_eq!(value("const a = b, b = a; export default { v: a }").get("v"), Value::unknown(1));
    assert_eq!(value("const f = () => f(); export default { v: f() }").get("v"), Value::unknown(1));
}

#[test]
fn a_script_that_is_none_is_refused() {
    let refusal = |script: &str| exported(script, "js", Path::new(".")).unwrap_err();
    for script in ["module.exports = {", r#"import{"\\u"t"#] {
        assert_eq!(refusal(script).1, "it is not valid JavaScript", "{script}");
    }
    assert_eq!(refusal("const a = 1").1, "it exports nothing that can be followed");
    assert_eq!(refusal(&format!("\n{}", "[".repeat(10_000))).0, Some(2));
}

#[test]
fn json_beside_the_script_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("versions.json"), r#"["2.0"]"#).unwrap();
    for script in [
        "import versions from './versions.json'; export default { v: versions[0] }",
        "const versions = require('./versions.json'); module.exports = { v: versions[0] }",
    ] {
        assert_eq!(exported(script, "js", folder.path()).unwrap().get("v"), text("2.0"));
    }
    let outside = exported("module.exports = { v: require('../x.json') }", "js", folder.path());
    assert_eq!(outside.unwrap().get("v"), Value::unknown(1));
}
