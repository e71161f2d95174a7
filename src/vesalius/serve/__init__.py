"""The workbench and its services: HTTP, DICOMweb and DICOM in one process, at one URL.

In: scans by upload, DICOM or DICOMweb. Out: jobs, reports, and the viewer's static files that `web/` builds. It may
import `analysis` and below; only `cli` imports it.
"""
