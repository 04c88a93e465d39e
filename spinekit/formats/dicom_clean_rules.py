"""What stays of a DICOM image when identities are removed: a list of what is known to name nobody.

PS3.15 Annex E lists what to remove; attributes that it has never heard of would stay. Here it is the other way round:
whatever is not listed goes, so that private tags, overlays, curves, icons, references, remarks and whatever the next
edition invents need no rule of their own. What stays are numbers that are numbers, and coded words out of a fixed
vocabulary; a word that is not in it goes too, for nobody can tell what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _listed(names: str) -> frozenset[str]:
    return frozenset(names.split())


NUMBERS = _listed(
    """
    Rows Columns SamplesPerPixel PlanarConfiguration NumberOfFrames BitsAllocated BitsStored HighBit
    PixelRepresentation SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit
    PixelAspectRatio PixelIntensityRelationshipSign WindowCenter WindowWidth RescaleIntercept RescaleSlope
    LossyImageCompressionRatio PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing DetectorElementSpacing
    EstimatedRadiographicMagnificationFactor DistanceSourceToDetector DistanceSourceToPatient
    ImagePositionPatient ImageOrientationPatient SliceThickness SpacingBetweenSlices SliceLocation
    FieldOfViewDimensions FieldOfViewRotation FieldOfViewOrigin PositionerPrimaryAngle PositionerSecondaryAngle
    KVP ExposureTime ExposureTimeInuS XRayTubeCurrent XRayTubeCurrentInuA Exposure ExposureInuAs ExposureInmAs
    ExposureIndex TargetExposureIndex DeviationIndex Sensitivity RelativeXRayExposure FocalSpots
    BodyPartThickness CompressionForce EntranceDoseInmGy ImageAndFluoroscopyAreaDoseProduct GantryDetectorTilt
    TableHeight DataCollectionDiameter ReconstructionDiameter SpiralPitchFactor SingleCollimationWidth
    TotalCollimationWidth TableSpeed TableFeedPerRotation CTDIvol RevolutionTime RepetitionTime EchoTime
    InversionTime FlipAngle MagneticFieldStrength EchoNumbers EchoTrainLength ImagingFrequency NumberOfAverages
    PercentSampling PercentPhaseFieldOfView PixelBandwidth AcquisitionMatrix NumberOfPhaseEncodingSteps
    NumberOfTemporalPositions TemporalPositionIdentifier SAR dBdt TriggerTime SeriesNumber InstanceNumber
    AcquisitionNumber ImagesInAcquisition EffectiveDuration ShutterLeftVerticalEdge ShutterRightVerticalEdge
    ShutterUpperHorizontalEdge ShutterLowerHorizontalEdge CenterOfCircularShutter RadiusOfCircularShutter
    VerticesOfThePolygonalShutter ShutterPresentationValue FrameTime FrameAcquisitionNumber DimensionIndexValues
    InStackPositionNumber TemporalPositionIndex FrameIncrementPointer DimensionIndexPointer
    FunctionalGroupPointer LUTDescriptor LUTData
    """
)
"""Attributes whose values are numbers, pointers to tags, or tables of grey values."""

WORDS = _listed(
    """
    Modality PresentationIntentType ConversionType ImageType BodyPartExamined ViewPosition Laterality
    ImageLaterality FrameLaterality PatientOrientation PatientPosition PhotometricInterpretation
    PixelIntensityRelationship
    PresentationLUTShape VOILUTFunction ModalityLUTType RescaleType LossyImageCompression
    LossyImageCompressionMethod PixelSpacingCalibrationType FieldOfViewShape FieldOfViewHorizontalFlip
    PositionerType DetectorType DetectorConfiguration ShutterShape Grid ExposureControlMode FilterType
    RotationDirection ScanningSequence SequenceVariant ScanOptions MRAcquisitionType AngioFlag
    InPlanePhaseEncodingDirection VariableFlipAngleFlag ImagedNucleus QualityControlImage
    DimensionOrganizationType AnatomicalOrientationType TypeOfDetectorMotion
    """
)
"""Attributes that hold coded words."""

UIDS = _listed(
    """
    StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID DimensionOrganizationUID
    ConcatenationUID
    """
)
"""Attributes whose UIDs are replaced, alike everywhere."""

CODES = _listed(
    """
    AnatomicRegionSequence ViewCodeSequence ViewModifierCodeSequence
    """
)
"""Sequences of coded concepts: kept where the code is a standard one, under its standard meaning."""

SEQUENCES = _listed(
    """
    ModalityLUTSequence VOILUTSequence SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
    PixelMeasuresSequence PlanePositionSequence PlaneOrientationSequence FrameVOILUTSequence
    PixelValueTransformationSequence FrameAnatomySequence FrameContentSequence
    DimensionOrganizationSequence DimensionIndexSequence
    """
)
"""Sequences whose items are cleaned by the same rules and kept."""

EMPTIED = _listed(
    """
    StudyDate StudyTime StudyID AccessionNumber ReferringPhysicianName PatientBirthDate PatientSex Manufacturer
    PositionReferenceIndicator AcquisitionContextSequence BodyPartExamined ViewPosition PatientOrientation
    Laterality ContentDate ContentTime SeriesNumber InstanceNumber KVP
    """
)
"""Attributes that DICOM wants to be there though they may be empty: kept so, where the source has them."""

DATES = _listed(
    """
    StudyDate StudyTime SeriesDate SeriesTime AcquisitionDate AcquisitionTime ContentDate ContentTime
    AcquisitionDateTime
    """
)
"""Dates and times that may be kept, days shifted, where the user asks for it."""

_TERMS_OF_TWO_WORDS = frozenset(
    {
        "FOR PRESENTATION", "FOR PROCESSING", "PALETTE COLOR", "SINGLE PLANE", "BIPLANE A", "BIPLANE B",
        "CERVICAL SPINE", "THORACIC SPINE", "LUMBAR SPINE",
    }
)  # fmt: skip
VOCABULARY = _TERMS_OF_TWO_WORDS | _listed(
    """
    YES NO Y N NONE OTHER ORIGINAL DERIVED PRIMARY SECONDARY AXIAL LOCALIZER REFORMATTED MPR PROJECTION_IMAGE
    MIN_IP MAX_IP VOLUME RESAMPLED MIXED A B POST_PROCESSED POST_CONTRAST NORM DIS2D DIS3D ND M FFE SE T1 T2 FM
    CR DX RF XA RG MG PX IO SC OT CT MR PT US NM DR DV DI DF WSD SD SI DRW SYN MONOCHROME1 MONOCHROME2 RGB
    YBR_FULL YBR_FULL_422 YBR_RCT YBR_ICT LIN LOG DISP IDENTITY INVERSE LINEAR LINEAR_EXACT SIGMOID HU OD 00 01
    ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_15444_15 ISO_13818_2 GEOMETRY FIDUCIAL RECTANGLE ROUND HEXAGONAL
    RECTANGULAR CIRCULAR POLYGONAL AP PA LL RL RLD LLD RLO LLO LAO RAO RPO LPO LAT LATERAL CC MLO ML LM XCC FB L
    R U P H F AL AR PL PR AH AF PH PF HA HP FA FP LA RA LP RP LH LF RH HL HR FL FR HFS HFP HFDR HFDL FFS FFP
    FFDR FFDL SITTING COLUMN CARM MAMMOGRAPHIC PANORAMIC CEPHALOSTAT RIGID DIRECT SCINTILLATOR STORAGE FILM AREA
    SLOT FIXED FOCUSED CROSSHATCH PARALLEL RECIPROCATING MANUAL AUTOMATIC WEDGE BUTTERFLY MULTIPLE STRIP FLAT CW
    IR GR EP RM SK MTC SS TRSS SP MP OSP PER CG PPG FC PFF PFP FS FS_SATURATION 2D 3D ROW COL 1H BIPED STATIC
    3D_TEMPORAL ABDOMEN ANKLE ARM BRAIN BREAST BUTTOCK CHEST CLAVICLE COCCYX CSPINE TSPINE LSPINE SSPINE SPINE
    WHOLESPINE CTSPINE TLSPINE LSSPINE ELBOW EXTREMITY EYE FACE FEMUR FINGER FOOT HAND HEAD HEADNECK HEART HIP
    HUMERUS JAW KNEE LEG LUNG MANDIBLE MAXILLA NECK ORBIT ORBITS PELVIS RADIUS RIB SACRUM SCAPULA SHOULDER
    SIJOINT SKULL STERNUM TEETH THIGH THUMB TIBIA TMJ TOE ULNA WHOLEBODY WRIST ZYGOMA
    """
)
"""Defined terms of PS3.3 and body parts of PS3.16 Annex L that coded words may be."""

OPTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "profile": ("113100", "Basic Application Confidentiality Profile"),
        "pixels": ("113101", "Clean Pixel Data Option"),
        "shifted": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
        "person": ("113108", "Retain Patient Characteristics Option"),
    }
)
"""Codes of CID 7050 that say what was done."""
