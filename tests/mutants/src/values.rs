//! The values that a body which does nothing can return.
//!
//! Not all of them fit the type: those that do not compile are left out later.

use syn::{GenericArgument, PathArguments, ReturnType, Type};

pub fn values_of(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec![String::new()],
        ReturnType::Type(_, of) => values(of),
    }
}

fn values(of: &Type) -> Vec<String> {
    let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    match of {
        Type::Tuple(tuple) if tuple.elems.is_empty() => texts(&["()"]),
        Type::Never(_) | Type::ImplTrait(_) => vec![],
        Type::Reference(reference) if name(&reference.elem) == "str" => {
            texts(&["\"\"", "\"xyzzy\""])
        }
        Type::Reference(_) => vec![],
        Type::Path(_) => match name(of).as_str() {
            "bool" => texts(&["true", "false"]),
            "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "u128" => texts(&["0", "1"]),
            "String" => texts(&["String::new()", "String::from(\"xyzzy\")"]),
            "Option" => around("None", "Some", of),
            "Poll" => around("std::task::Poll::Pending", "std::task::Poll::Ready", of),
            "Result" => inner(of, "Ok"),
            _ => texts(&["Default::default()"]),
        },
        _ => texts(&["Default::default()"]),
    }
}

fn around(empty: &str, full: &str, of: &Type) -> Vec<String> {
    let mut all = vec![empty.to_owned()];
    all.extend(inner(of, full));
    all
}

fn inner(of: &Type, full: &str) -> Vec<String> {
    let inside = argument(of).map_or_else(|| vec!["Default::default()".to_owned()], values);
    inside
        .iter()
        .map(|value| format!("{full}({value})"))
        .collect()
}

fn argument(of: &Type) -> Option<&Type> {
    let Type::Path(path) = of else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inside) => Some(inside),
        _ => None,
    })
}

fn name(of: &Type) -> String {
    match of {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.map_or_else(String::new, |last| last.ident.to_string())
        }
        _ => String::new(),
    }
}
