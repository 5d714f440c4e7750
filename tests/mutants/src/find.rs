//! Finds the places of a file that can be changed, and the changes.
//!
//! The changes are those that people make by mistake: another operator, a condition the wrong way round, an arm or a body that
//! was left out. Code that runs in the compiler (constants, patterns, types) and code of tests stays as it is.

use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::values::values_of;

/// A place in a file and what can stand there instead.
pub struct Place {
    pub range: Range<usize>,
    pub shape: Shape,
    /// The function that the place is in.
    pub function: String,
}

pub enum Shape {
    /// `left op right`, with other operators.
    Binary {
        left: Range<usize>,
        right: Range<usize>,
        others: Vec<&'static str>,
    },
    /// `!x` or `-x`, without the operator.
    Unary { operand: Range<usize> },
    /// The guard of an arm, always true or always false.
    Guard,
    /// An arm that is never taken; a wildcard follows it.
    Arm { pattern: Range<usize> },
    /// A body that returns one of these at once.
    Body { values: Vec<String> },
}

pub fn places(text: &str) -> Vec<Place> {
    let file = syn::parse_file(text).expect("candor's source is Rust");
    let mut finder = Finder::default();
    finder.visit_file(&file);
    finder.places
}

#[derive(Default)]
struct Finder {
    places: Vec<Place>,
    /// The types, traits and functions around the place.
    around: Vec<String>,
}

impl Finder {
    fn add(&mut self, span: Span, shape: Shape) {
        self.add_at(span.byte_range(), shape);
    }

    fn add_at(&mut self, range: Range<usize>, shape: Shape) {
        let function = self.around.join("::");
        self.places.push(Place {
            range,
            shape,
            function,
        });
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if signature.constness.is_some() {
            return;
        }
        self.around.push(signature.ident.to_string());
        if !block.stmts.is_empty() && signature.ident != "default" {
            let at = block.brace_token.span.open().byte_range().end;
            let values = values_of(&signature.output);
            self.add_at(at..at, Shape::Body { values });
        }
        self.visit_block(block);
        self.around.pop();
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item(&mut self, item: &'a syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_another_build) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !item.attrs.iter().any(is_for_another_build) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let name = type_name(&item.self_ty);
        let of = item.trait_.as_ref().map(|(_, path, _)| {
            let last = path.segments.last().expect("a path has an end");
            format!("<{name} as {}>", last.ident)
        });
        self.around.push(of.unwrap_or(name));
        visit::visit_item_impl(self, item);
        self.around.pop();
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.around.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
        self.around.pop();
    }

    fn visit_expr_binary(&mut self, binary: &'a syn::ExprBinary) {
        let others = others_of(&binary.op);
        if !others.is_empty() && !holds_let(&binary.left) && !holds_let(&binary.right) {
            let left = binary.left.span().byte_range();
            let right = binary.right.span().byte_range();
            let shape = Shape::Binary {
                left,
                right,
                others,
            };
            self.add(binary.span(), shape);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'a syn::ExprUnary) {
        if matches!(unary.op, syn::UnOp::Not(_) | syn::UnOp::Neg(_)) {
            let operand = unary.expr.span().byte_range();
            self.add(unary.span(), Shape::Unary { operand });
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, expression: &'a syn::ExprMatch) {
        let is_wild = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none();
        let has_wild = expression.arms.iter().any(is_wild);
        for arm in &expression.arms {
            match &arm.guard {
                Some((_, guard)) if !holds_let(guard) => self.add(guard.span(), Shape::Guard),
                None if has_wild && !is_wild(arm) => {
                    let pattern = arm.pat.span().byte_range();
                    self.add_at(pattern.end..pattern.end, Shape::Arm { pattern });
                }
                _ => {}
            }
        }
        visit::visit_expr_match(self, expression);
    }

    // What runs in the compiler.
    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'a syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}
    fn visit_pat(&mut self, _: &'a syn::Pat) {}
    fn visit_type(&mut self, _: &'a syn::Type) {}
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
}

fn is_for_another_build(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return attribute.path().is_ident("test");
    };
    let condition = list.tokens.to_string();
    list.path.is_ident("cfg")
        && ["test", "loom", "feature"]
            .iter()
            .any(|word| condition.contains(word))
}

fn type_name(of: &syn::Type) -> String {
    match of {
        syn::Type::Path(path) => {
            let last = path.path.segments.last();
            last.map_or_else(String::new, |last| last.ident.to_string())
        }
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => "_".to_owned(),
    }
}

/// Whether a chain of conditions holds a `let`, which can stand in no other place.
fn holds_let(condition: &syn::Expr) -> bool {
    match condition {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => holds_let(&binary.left) || holds_let(&binary.right),
        _ => false,
    }
}

fn others_of(operator: &syn::BinOp) -> Vec<&'static str> {
    use syn::BinOp;
    match operator {
        BinOp::Eq(_) => vec!["!="],
        BinOp::Ne(_) => vec!["=="],
        BinOp::And(_) => vec!["||"],
        BinOp::Or(_) => vec!["&&"],
        BinOp::Lt(_) => vec!["==", ">", "<="],
        BinOp::Gt(_) => vec!["==", "<", ">="],
        BinOp::Le(_) => vec![">", "<"],
        BinOp::Ge(_) => vec!["<", ">"],
        BinOp::Add(_) => vec!["-", "*"],
        BinOp::Sub(_) => vec!["+", "/"],
        BinOp::Mul(_) => vec!["+", "/"],
        BinOp::Div(_) => vec!["%", "*"],
        BinOp::Rem(_) => vec!["/", "+"],
        BinOp::Shl(_) => vec![">>"],
        BinOp::Shr(_) => vec!["<<"],
        BinOp::BitAnd(_) => vec!["|", "^"],
        BinOp::BitOr(_) => vec!["&", "^"],
        BinOp::BitXor(_) => vec!["|", "&"],
        BinOp::AddAssign(_) => vec!["-=", "*="],
        BinOp::SubAssign(_) => vec!["+=", "/="],
        BinOp::BitOrAssign(_) => vec!["&=", "^="],
        BinOp::BitAndAssign(_) => vec!["|=", "^="],
        BinOp::ShlAssign(_) => vec![">>="],
        BinOp::ShrAssign(_) => vec!["<<="],
        _ => vec![],
    }
}
