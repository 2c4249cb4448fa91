//! `k6/data`

use crate::harness::Test;

#[test]
fn a_shared_array_reads_like_an_array_and_cannot_be_changed() {
    let run = Test::new(
        "import { SharedArray } from 'k6/data';
         import { equal, ok, throws } from './expect.js';
         const users = new SharedArray('users', () => JSON.parse(open('./users.json')));
         const numbers = new SharedArray('numbers', () => [3, null, 'three', [4]]);
         equal(users.length, 3);
         export default function () {
           equal([users.length, users[1].name, users[3], users[-1], users['1'].name], [3, 'b', undefined, undefined, 'b']);
           equal(users.map((user) => user.name), ['a', 'b', 'c']);
           equal(users.filter((user) => user.name > 'a').length, 2);
           equal([...users].length, 3);
           equal(Array.isArray(users), true);
           const names = [];
           for (const user of users) names.push(user.name);
           users.forEach((user) => names.push(user.name));
           equal(names.join(''), 'abcabc');
           equal(users.indexOf('a'), -1);
           equal(users.find((user) => user.name === 'c').age, 3);
           equal(users.slice(1).length, 2);
           equal(numbers, [3, null, 'three', [4]]);
           equal(Object.keys(users), ['0', '1', '2']);
           ok(1 in users && !(3 in users), 'in');
           users[0].name = 'changed';
           equal(users[0].name, 'a');
           throws(() => { users[0] = {}; }, 'cannot be changed');
           throws(() => users.push({}), 'cannot be changed');
           throws(() => { users.length = 0; }, 'cannot be changed');
           throws(() => { delete users[0]; }, 'cannot be changed');
           throws(() => users.sort((a, b) => b.age - a.age), 'cannot be changed');
         }",
    );
    run.file(
        "users.json",
        r#"[{"name":"a","age":1},{"name":"b","age":2},{"name":"c","age":3}]"#,
    )
    .flags("--fail-on-exception")
    .run()
    .with_code(0);
}

#[test]
fn a_shared_array_is_made_once_for_all_virtual_users() {
    let run = Test::new(
        "import { SharedArray } from 'k6/data';
         import { equal } from './expect.js';
         export const options = { vus: 8, iterations: 8 };
         const random = new SharedArray('random', () => { console.log('made'); return [Math.random()]; });
         export function setup() { return random[0]; }
         export default function (data) { equal(random[0], data); }",
    );
    let run = run.flags("--fail-on-exception").run().with_code(0);
    assert_eq!(run.logged("made"), 1, "{}", run.stderr);
}

#[test]
fn what_is_no_shared_array_is_refused() {
    for (code, words) in [
        ("new SharedArray('a', () => ({}))", "returned no array"),
        ("new SharedArray('a')", "a function that returns an array"),
        ("new SharedArray('', () => [])", "needs a name"),
        (
            "new SharedArray('a', () => { throw new Error('from inside'); })",
            "from inside",
        ),
        ("new SharedArray('a', async () => [])", "array"),
    ] {
        let script =
            format!("import {{ SharedArray }} from 'k6/data'; {code}; export default function () {{}}");
        Test::new(&script).run().refused(107, &[words]);
    }
    let late = "import { SharedArray } from 'k6/data';
         export default function () { new SharedArray('late', () => []); }";
    let run = Test::new(late).flags("--fail-on-exception").run();
    run.refused(107, &["init code"]);
}
