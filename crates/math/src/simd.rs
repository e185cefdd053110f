//! Run-time dispatch to the widest vector unit.
//!
//! A kernel is written once, as plain loops over slices and fixed-size arrays, inside [`vectorised!`]. The macro
//! compiles it three times (AVX-512, AVX2 + FMA, whatever the target guarantees) and picks one when it is
//! called. No `target-cpu=native` is needed, and there is a version for every machine.

/// Whether a compiled copy of a kernel has a fused multiply-add instruction.
pub trait Fused {
    /// `true`: `f32::mul_add` is one instruction. `false`: it would be a library call, so multiply, then add.
    const FMA: bool;
}

/// Copy for machines with fused multiply-add.
pub struct WithFma;
/// Portable copy.
pub struct WithoutFma;

impl Fused for WithFma {
    const FMA: bool = true;
}
impl Fused for WithoutFma {
    // Every 64-bit Arm has it; on x86-64 the baseline does not.
    const FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
}

/// Vector unit that kernels are dispatched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 512-bit vectors, x86-64-v4.
    Avx512,
    /// 256-bit vectors with fused multiply-add, x86-64-v3.
    Avx2,
    /// What the compilation target guarantees.
    Portable,
}

impl Level {
    /// Bits of a vector that are counted on.
    fn width(self) -> usize {
        match self {
            Level::Avx512 => 512,
            Level::Avx2 => 256,
            Level::Portable => 0,
        }
    }

    /// Name for provenance records and benchmark tables.
    pub fn name(self) -> &'static str {
        match self {
            Level::Avx512 => "AVX-512",
            Level::Avx2 => "AVX2 + FMA",
            Level::Portable => "portable",
        }
    }
}

/// Level at which to run a kernel that works on rows of `bytes` bytes.
///
/// Rows that fit a 256-bit register run on 256-bit vectors: with 512-bit ones compilers put two rows into a
/// register and spend more on permutations than they save.
#[inline]
pub fn level_for(bytes: usize) -> Level {
    match level() {
        Level::Avx512 if bytes <= 32 => Level::Avx2,
        level => level,
    }
}

static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();

/// Environment variable that restricts kernels to a narrower level than the machine has: `avx2` or `portable`.
pub const VARIABLE: &str = "NEUROPIL_SIMD";

/// The level that kernels run on: the widest of this machine, or what [`VARIABLE`] says, if that is narrower.
#[inline]
pub fn level() -> Level {
    *LEVEL.get_or_init(|| match asked() {
        Ok(Some(asked)) if asked.width() < detect().width() => asked,
        _ => detect(),
    })
}

/// What [`VARIABLE`] asks for.
///
/// # Errors
/// Its value, when it is not the name of a level.
pub fn asked() -> Result<Option<Level>, String> {
    let Some(value) = std::env::var_os(VARIABLE) else {
        return Ok(None);
    };
    match value.to_str() {
        Some("" | "avx512") => Ok(None),
        Some("avx2") => Ok(Some(Level::Avx2)),
        Some("portable") => Ok(Some(Level::Portable)),
        _ => Err(value.to_string_lossy().into_owned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let v3 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let v4 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (v3, v4) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        (false, _) => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}

/// Defines a function that is compiled for each [`Level`] and dispatched when called.
///
/// `fn name<F>(row: BYTES)…` dispatches by [`level_for`] that many bytes, plain `fn name<F>…` by [`level`].
///
/// The first generic parameter is [`Fused`] and is added by the macro under the given name; the other generic
/// parameters follow in brackets, declared and then named, and arguments are plain identifiers:
///
/// ```
/// use neuropil_math::{real::Real, simd::vectorised};
///
/// vectorised! {
///     /// y ← y + a·x
///     pub fn axpy<F>[R: Real][R](a: R, x: &[R], y: &mut [R]) {
///         for (y, &x) in y.iter_mut().zip(x) {
///             *y = R::fma::<F>(a, x, *y);
///         }
///     }
/// }
/// let mut y = [1.0_f32, 2.0];
/// axpy(2.0, &[1.0, 1.0], &mut y);
/// assert_eq!(y, [3.0, 4.0]);
/// ```
#[macro_export]
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$fused:ident>[$($generics:tt)*][$($names:tt)*]
     ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $crate::simd::vectorised! {
            $(#[$meta])* $vis fn $name<$fused>(row: usize::MAX)[$($generics)*][$($names)*]($($arg: $ty),*) $body
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$fused:ident>(row: $bytes:expr)[$($generics:tt)*][$($names:tt)*]
     ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name<$($generics)*>($($arg: $ty),*) {
            #[inline(always)]
            fn body<$fused: $crate::simd::Fused, $($generics)*>($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$($generics)*>($($arg: $ty),*) {
                body::<$crate::simd::WithFma, $($names)*>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($generics)*>($($arg: $ty),*) {
                body::<$crate::simd::WithFma, $($names)*>($($arg),*);
            }

            match $crate::simd::level_for($bytes) {
                // SAFETY: `level` returned this variant after detecting every feature that is enabled here.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 => unsafe { avx512::<$($names)*>($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2 => unsafe { avx2::<$($names)*>($($arg),*) },
                _ => body::<$crate::simd::WithoutFma, $($names)*>($($arg),*),
            }
        }
    };
}
pub use crate::vectorised;
