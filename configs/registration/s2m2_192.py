_base_ = ["../_base_/models/s2m2.py", "../_base_/datasets/matching_pairs.py", "../_base_/schedules/matching.py"]
