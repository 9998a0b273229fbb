//! Fragmented MP4 for Media Source Extensions: an init segment, then one fragment an access unit.
//!
//! The boxes are those of ISO/IEC 14496-12 and, for H.264 in them, of ISO/IEC 14496-15. Nothing is kept between the
//! calls: whoever sends the fragments counts them.

use mp4_atom::{
    Avc1, Avcc, AvccExt, Codec, Colr, Dinf, Dref, DrefEntry, Encode, FourCC, Ftyp, Hdlr, Matrix, Mdhd, Mdia,
    Mfhd, Minf, Moof, Moov, Mvex, Mvhd, Stbl, Stco, Stsd, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun,
    TrunEntry, TrunSamples, Url, Visual, Vmhd,
};
use thiserror::Error;

use crate::h264::nal::{NalType, append_avcc, avcc_len, describe};
use crate::h264::sps::{Sps, SpsError};
use crate::time::{Pts90k, TICKS_PER_SECOND};

/// The id of our only track.
pub const TRACK_ID: u32 = 1;

/// A duration for [`fragment`] with which a browser drops nothing as long as key frames are at most 2 s apart.
///
/// Media Source Extensions §3.5.8 (Coded Frame Processing) takes a distance of more than twice the newest frame's
/// duration for a gap, and drops all frames after it up to the next key frame. How long a live frame lasts is not
/// known when it is sent, and a duration that is too long harms nothing but the end of `buffered`: the next frame
/// takes the rest over. So 1 s, in 90 kHz ticks, allows 2 s, after which the next frame is a key frame anyway.
pub const SAFE_DURATION: u32 = TICKS_PER_SECOND as u32;

/// What a `trun` says of a sample (ISO/IEC 14496-12 §8.8.3.1): it depends on no other.
const SYNC_SAMPLE: u32 = 0x0200_0000;

/// It depends on others and is no sync sample.
const NON_SYNC_SAMPLE: u32 = 0x0101_0000;

/// Size and type of a box.
const BOX_HEADER_SIZE: usize = 8;

/// Why no segment could be made.
#[derive(Debug, Error)]
pub enum Fmp4Error {
    /// The sequence parameter set cannot be read.
    #[error("no init segment without a good SPS: {0}")]
    Sps(#[from] SpsError),
    /// What was given as picture parameter set is something else.
    #[error("no init segment without a PPS: expected a NAL unit of type 8, found {}", describe(*.0))]
    NotAPps(Option<u8>),
    /// A parameter set is longer than the 16-bit length in an `avcC` box can say.
    #[error("a parameter set has {0} bytes; an avcC box takes at most 65535")]
    ParameterSetTooLong(usize),
    /// An access unit has nothing that belongs into a sample.
    #[error(
        "the access unit has {0} bytes and no NAL unit but delimiters and parameter sets; expected a slice in Annex B form"
    )]
    NoSample(usize),
    /// An access unit does not fit into a fragment.
    #[error("the access unit becomes a sample of {0} bytes; a fragment takes less than 2 GiB")]
    SampleTooLong(usize),
    /// The boxes could not be written.
    #[error("cannot write the MP4 boxes: {0}")]
    Boxes(#[from] mp4_atom::Error),
}

/// Makes the init segment (`ftyp`, `moov`) of a live stream: one track of H.264, 90,000 ticks a second, no duration.
///
/// `sps` and `pps` are NAL units without start code. Size, profile and colour are those of the SPS; a stream whose
/// SPS changes needs a new init segment.
///
/// # Errors
///
/// When `sps` cannot be read, `pps` is no PPS, or one of them is too long.
pub fn init_segment(sps: &[u8], pps: &[u8]) -> Result<Vec<u8>, Fmp4Error> {
    let sample_entry = sample_entry(sps, pps)?;
    let (width, height) = (sample_entry.visual.width, sample_entry.visual.height);

    let ftyp = Ftyp {
        major_brand: FourCC::new(b"iso5"),
        minor_version: 512,
        compatible_brands: [b"iso5", b"iso6", b"mp41"].map(FourCC::from).to_vec(),
    };
    let moov = Moov {
        mvhd: Mvhd {
            creation_time: 0,
            modification_time: 0,
            timescale: TICKS_PER_SECOND as u32,
            duration: 0,
            rate: 1.into(),
            volume: 1.into(),
            matrix: Matrix::default(),
            next_track_id: TRACK_ID + 1,
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![Trex {
                track_id: TRACK_ID,
                default_sample_description_index: 1,
                default_sample_flags: NON_SYNC_SAMPLE,
                ..Trex::default()
            }],
        }),
        trak: vec![Trak {
            tkhd: Tkhd {
                track_id: TRACK_ID,
                enabled: true,
                in_movie: true,
                width: width.into(),
                height: height.into(),
                ..Tkhd::default()
            },
            mdia: media(sample_entry),
            ..Trak::default()
        }],
        ..Moov::default()
    };

    let mut segment = Vec::with_capacity(1024);
    ftyp.encode(&mut segment)?;
    moov.encode(&mut segment)?;
    Ok(segment)
}

/// Appends the fragment (`moof`, `mdat`) of one access unit, given as an Annex B byte stream.
///
/// `sequence` counts the fragments a viewer gets. `decode_time` is the time stamp of the access unit, unwrapped, and
/// also the time at which it is shown; `duration_ticks` is how long, in 90 kHz ticks: never less than half the time
/// to the next frame, or a browser drops frames (see [`SAFE_DURATION`]). `key` marks a sync sample. Delimiters and
/// parameter sets are left out: the init segment has them.
///
/// # Errors
///
/// When the access unit has no NAL unit for a sample, or 2 GiB of them; `out` is then as it was.
pub fn fragment(
    sequence: u32,
    annex_b: &[u8],
    decode_time: Pts90k,
    duration_ticks: u32,
    key: bool,
    out: &mut Vec<u8>,
) -> Result<(), Fmp4Error> {
    let sample_size = avcc_len(annex_b);
    if sample_size == 0 {
        return Err(Fmp4Error::NoSample(annex_b.len()));
    }
    // The file formats' offsets are signed: 2 GiB is the limit, and leaves room for all that comes on top.
    let Some(size) = i32::try_from(sample_size).ok().filter(|&size| size < i32::MAX - 4096) else {
        return Err(Fmp4Error::SampleTooLong(sample_size));
    };
    let mut moof = Moof {
        mfhd: Mfhd { sequence_number: sequence },
        traf: vec![Traf {
            tfhd: Tfhd { track_id: TRACK_ID, default_base_is_moof: true, ..Tfhd::default() },
            tfdt: Some(Tfdt { base_media_decode_time: decode_time.0 }),
            trun: vec![Trun {
                data_offset: Some(0),
                samples: TrunSamples::Explicit(vec![TrunEntry {
                    duration: Some(duration_ticks),
                    size: Some(size as u32),
                    flags: Some(if key { SYNC_SAMPLE } else { NON_SYNC_SAMPLE }),
                    cts: None,
                }]),
            }],
            ..Traf::default()
        }],
    };

    // Where the sample begins is known once the moof has been written, and its size does not depend on that.
    let start = out.len();
    moof.encode(out)?;
    let data_offset = out.len() - start + BOX_HEADER_SIZE;
    moof.traf[0].trun[0].data_offset = Some(data_offset as i32);
    out.truncate(start);
    out.reserve(data_offset + sample_size);
    moof.encode(out)?;

    out.extend_from_slice(&((BOX_HEADER_SIZE + sample_size) as u32).to_be_bytes());
    out.extend_from_slice(b"mdat");
    append_avcc(annex_b, out);
    Ok(())
}

/// All below `mdia`. The tables of samples stay empty: a fragmented file has them in its fragments.
fn media(sample_entry: Avc1) -> Mdia {
    Mdia {
        mdhd: Mdhd { timescale: TICKS_PER_SECOND as u32, language: "und".into(), ..Mdhd::default() },
        hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "lenscast".into() },
        minf: Minf {
            vmhd: Some(Vmhd::default()),
            // An empty location: the samples are in this file.
            dinf: Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } },
            stbl: Stbl {
                stsd: Stsd { codecs: vec![Codec::Avc1(sample_entry)] },
                stco: Some(Stco::default()),
                ..Stbl::default()
            },
            ..Minf::default()
        },
    }
}

/// The sample entry `avc1` with its `avcC` (ISO/IEC 14496-15 §5.4.2).
fn sample_entry(sps_nal: &[u8], pps_nal: &[u8]) -> Result<Avc1, Fmp4Error> {
    let sps = Sps::parse(sps_nal)?;
    let pps_header = pps_nal.first().copied();
    if pps_header.map(NalType::of_header) != Some(NalType::Pps) {
        return Err(Fmp4Error::NotAPps(pps_header));
    }
    let longest = sps_nal.len().max(pps_nal.len());
    if longest > usize::from(u16::MAX) {
        return Err(Fmp4Error::ParameterSetTooLong(longest));
    }

    Ok(Avc1 {
        visual: Visual { data_reference_index: 1, width: sps.width, height: sps.height, ..Visual::default() },
        avcc: Avcc {
            configuration_version: 1,
            avc_profile_indication: sps.profile_idc,
            profile_compatibility: sps.constraint_flags,
            avc_level_indication: sps.level_idc,
            length_size: 4,
            sequence_parameter_sets: vec![sps_nal.to_vec()],
            picture_parameter_sets: vec![pps_nal.to_vec()],
            ext: sps.is_high_profile().then(|| AvccExt {
                chroma_format: sps.chroma_format_idc,
                bit_depth_luma: sps.bit_depth_luma,
                bit_depth_chroma: sps.bit_depth_chroma,
                sequence_parameter_sets_ext: Vec::new(),
            }),
        },
        colr: sps.colour.map(|colour| Colr::Nclx {
            colour_primaries: colour.primaries.into(),
            transfer_characteristics: colour.transfer.into(),
            matrix_coefficients: colour.matrix.into(),
            full_range_flag: colour.full_range,
        }),
        ..Avc1::default()
    })
}
