"""The values of spinekit and plane geometry on arrays: pure, numpy only."""
